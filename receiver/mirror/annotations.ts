/**
 * What the feed tells of an account besides its mail: how much it holds and may hold (RFC 9208), and its annotations (RFC 5464).
 * Both are small and come whole, so each is one value in the mirror's file.
 */
import type { BridgeMetadata, BridgeUsage } from '../../shared/protocol.ts';
import type { Metadata } from '../imap/session.ts';

const NONE: Metadata = new Map();

export class Annotations {
  usage: BridgeUsage;
  #metadata: Map<number, Map<string, string>>;

  /** As they lie in the file; whatever else lies there is taken for nothing. */
  constructor(usage: unknown, metadata: unknown) {
    this.usage = typeof usage === 'string' ? (JSON.parse(usage) as BridgeUsage) : { octets: 0, quota: null };
    this.#metadata = byMailbox(typeof metadata === 'string' ? (JSON.parse(metadata) as BridgeMetadata[]) : []);
  }

  /** Takes over what a page says; `keep` writes it into the file. */
  apply(page: { usage?: BridgeUsage; metadata?: BridgeMetadata[] }, keep: (name: string, value: string) => void): void {
    const { usage, metadata } = page;
    if (usage && (usage.octets !== this.usage.octets || usage.quota !== this.usage.quota)) {
      this.usage = usage;
      keep('usage', JSON.stringify(usage));
    }
    if (!metadata) return;
    this.#metadata = byMailbox(metadata);
    keep('metadata', JSON.stringify(metadata));
  }

  /** Of a mailbox, by its id; 0 is the server. */
  of(mailbox: number): Metadata {
    return this.#metadata.get(mailbox) ?? NONE;
  }
}

function byMailbox(metadata: BridgeMetadata[]): Map<number, Map<string, string>> {
  const groups = Map.groupBy(metadata, ({ mailbox }) => mailbox);
  return new Map([...groups].map(([mailbox, entries]) => [mailbox, new Map(entries.map(({ entry, value }) => [entry, value]))]));
}
