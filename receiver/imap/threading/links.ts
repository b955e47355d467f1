/**
 * Which messages name which, as THREAD needs it (RFC 5256 §2.1, §3): ids of all in one array, because 100,000 little arrays take 200 MB.
 * Kept while the mailbox is in use, because reading them is half of a THREAD, and right for as long: they never change under a UID.
 */
import { batches, type Scope } from '../search/evaluate.ts';
import { isLargePart, lastOf, placesOf, type Uids } from '../search/uids.ts';
import { lowerBound } from '../wire/sets.ts';

export interface MessageLink {
  /** Its own id or 0, then its references (shared/mime/message-keys.ts). */
  ids: Float64Array;
  /** The subject is that of a reply or forward. */
  reply: boolean;
  /** The base subject is not empty. */
  hasBase: boolean;
}

/** Of a message that is gone meanwhile. */
const GONE: MessageLink = { ids: new Float64Array(1), reply: false, hasBase: false };
/** Ids a message has on average; the array grows when there are more. */
const IDS_EXPECTED = 2;

/** Links of messages by their index. */
export class MessageLinks {
  readonly uids: Uids;
  #length = 0;
  #ids: Float64Array;
  /** Where the ids of each message end. */
  readonly #ends: Uint32Array;
  readonly #replies: Uint8Array;
  readonly #bases: Uint8Array;

  /** Of `uids`, one after the other. */
  constructor(uids: Uids) {
    this.uids = uids;
    this.#ids = new Float64Array(uids.length * IDS_EXPECTED);
    this.#ends = new Uint32Array(uids.length);
    this.#replies = new Uint8Array(uids.length);
    this.#bases = new Uint8Array(uids.length);
  }

  add({ ids, reply, hasBase }: MessageLink): void {
    const start = this.#start(this.#length);
    const end = start + ids.length;
    if (end > this.#ids.length) {
      const larger = new Float64Array(end * 2);
      larger.set(this.#ids.subarray(0, start));
      this.#ids = larger;
    }
    this.#ids.set(ids, start);
    this.#ends[this.#length] = end;
    this.#replies[this.#length] = reply ? 1 : 0;
    this.#bases[this.#length] = hasBase ? 1 : 0;
    this.#length += 1;
  }

  at(index: number): MessageLink {
    return { ids: this.ids(index), reply: this.isReply(index), hasBase: this.hasBase(index) };
  }

  ids(index: number): Float64Array {
    return this.#ids.subarray(this.#start(index), this.#ends[index] ?? 0);
  }

  isReply(index: number): boolean {
    return this.#replies[index] === 1;
  }

  hasBase(index: number): boolean {
    return this.#bases[index] === 1;
  }

  #start(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0);
  }
}

/** The links of one mailbox. */
export class KeptLinks {
  #kept: { links: MessageLinks | null } = { links: null };

  /** What has been read may not be trusted any more. */
  forget(): void {
    // What is being read meanwhile goes to the old place.
    this.#kept = { links: null };
  }

  /** At least those of `uids` (ascending, of the mailbox these links belong to). */
  async read(scope: Scope, uids: Uids): Promise<MessageLinks> {
    const kept = this.#kept;
    const live = scope.box.uids();
    if (kept.links && lastOf(uids) <= lastOf(kept.links.uids)) return kept.links;
    if (!kept.links && !isLargePart(uids, live)) return readLinks(scope, uids.slice(), null);
    kept.links = await readLinks(scope, live.slice(), kept.links);
    return kept.links;
  }
}

/** What is known of them is not read again: new messages are always above those that were there (RFC 9051 §2.3.1.1). */
async function readLinks({ box, pause }: Scope, uids: Uids, known: MessageLinks | null): Promise<MessageLinks> {
  const links = new MessageLinks(uids);
  const first = known ? lowerBound(uids, lastOf(known.uids) + 1) : 0;
  if (known) for (const place of placesOf(known.uids, uids.subarray(0, first))) links.add(place < 0 ? GONE : known.at(place));
  for (const some of batches(uids.subarray(first))) {
    for (const row of box.columns(['ids', 'reply', 'hasBase'], some)) {
      links.add(row ? { ids: row[0], reply: row[1], hasBase: row[2] } : GONE);
    }
    await pause();
  }
  return links;
}
