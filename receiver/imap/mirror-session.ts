/**
 * IMAP sessions over an account's mirror: reads answer from memory and the mirror's file, writes go to the edge and
 * resolve when the mirror shows them (DESIGN.md, "IMAP"). Whatever fails is a `Refusal`; nothing is invented
 * when the edge is away.
 */

import { METADATA_CHANGES_MAX } from '../../shared/metadata.ts';
import { createMailbox, deleteMailbox, renameMailbox, subscribeMailbox, targetMailbox } from '../mirror/mailbox-writes.ts';
import type { Mirror } from '../mirror/mirror.ts';
import type { Originals } from '../mirror/originals.ts';
import { accept, metadataErrors, submit, tryCreate } from '../mirror/results.ts';
import { storeMessages } from '../mirror/store-messages.ts';
import type { TreeMailbox } from '../mirror/tree.ts';
import { MirrorMailbox } from './mirror-mailbox.ts';
import {
  type AppendMessage,
  type Mailbox,
  type MailboxStatus,
  type Metadata,
  type Quota,
  Refusal,
  type SelectedMailbox,
  type Session,
} from './session.ts';

export interface MirrorSessionOptions {
  mirror: Mirror;
  originals: Originals;
  address: string;
  /** What it logged in with. */
  token: string;
  /** Capabilities switched off, upper case. */
  without?: readonly string[];
  /** Called once. */
  onClose(): void;
}

export class MirrorSession implements Session {
  readonly address: string;
  readonly without: ReadonlySet<string>;
  readonly #mirror: Mirror;
  readonly #originals: Originals;
  readonly #token: string;
  readonly #onClose: () => void;
  #closed = false;

  constructor({ mirror, originals, address, token, without = [], onClose }: MirrorSessionOptions) {
    this.address = address;
    this.without = new Set(without);
    this.#mirror = mirror;
    this.#originals = originals;
    this.#token = token;
    this.#onClose = onClose;
  }

  mailboxes(): Mailbox[] {
    return [...this.#mirror.tree.list];
  }

  find(name: string): Mailbox | undefined {
    return this.#mirror.tree.find(name);
  }

  clock(mailbox: Mailbox): number {
    return this.#current(mailbox).row.highestModseq;
  }

  status(mailbox: Mailbox): MailboxStatus {
    return { ...this.#mirror.live(this.#current(mailbox).row.id).status() };
  }

  select(mailbox: Mailbox, readOnly: boolean): SelectedMailbox {
    return new MirrorMailbox(this.#mirror, this.#originals, this.#current(mailbox), readOnly);
  }

  create(name: string, specialUse: string | null): Promise<Mailbox> {
    return createMailbox(this.#mirror, name, specialUse);
  }

  delete(name: string): Promise<void> {
    return deleteMailbox(this.#mirror, name);
  }

  rename(from: string, to: string): Promise<void> {
    return renameMailbox(this.#mirror, from, to);
  }

  setSubscribed(name: string, subscribed: boolean): Promise<void> {
    return subscribeMailbox(this.#mirror, name, subscribed);
  }

  /** Large messages one after the other; then all in one commit, so that all are stored or none (RFC 3502 §6.3.11). */
  async append(name: string, messages: AppendMessage[]): Promise<{ uidvalidity: number; uids: number[] }> {
    const { row, uidvalidity } = targetMailbox(this.#mirror, name);
    const results = await storeMessages(this.#mirror, this.#originals, row.id, messages);
    return { uidvalidity, uids: results.map((result) => accept(result, tryCreate).uids?.[0]?.[1] ?? 0) };
  }

  quota(): Quota {
    const { octets, quota } = this.#mirror.file.annotations.usage;
    return { octets, limit: quota };
  }

  metadata(mailbox: Mailbox | null): Metadata {
    return this.#mirror.file.annotations.of(idOf(mailbox));
  }

  async setMetadata(mailbox: Mailbox | null, entries: ReadonlyMap<string, string | null>): Promise<void> {
    if (entries.size > METADATA_CHANGES_MAX) throw new Refusal('LIMIT', `At most ${METADATA_CHANGES_MAX} entries at once`);
    await submit(this.#mirror, { op: 'setMetadata', mailbox: idOf(mailbox), entries: [...entries] }, metadataErrors);
  }

  watch(listener: () => void): () => void {
    return subscribeTo(this.#mirror.watchers, listener);
  }

  onRevoked(listener: () => void): () => void {
    return this.#mirror.tokens.onEnd(this.#token, listener);
  }

  refresh(): Promise<void> {
    return this.#mirror.refresh();
  }

  /** A session that cannot become ready is closed, for nobody will use it. */
  async ready(): Promise<void> {
    try {
      await this.#mirror.ready();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
  }

  /** The mailbox as it is now: names and counts may have changed since the command looked it up. */
  #current(mailbox: Mailbox): TreeMailbox {
    const current = this.#mirror.tree.get(Number(mailbox.id.slice(1)));
    if (!current) throw new Refusal('NONEXISTENT', 'No such mailbox');
    return current;
  }
}

/** 0 for the server. */
function idOf(mailbox: Mailbox | null): number {
  return mailbox === null ? 0 : Number(mailbox.id.slice(1));
}

/** Each call is a listener of its own, whatever function it passes. */
function subscribeTo(listeners: Set<() => void>, listener: () => void): () => void {
  const own = () => listener();
  listeners.add(own);
  return () => listeners.delete(own);
}
