/**
 * What THREAD knows of the messages (RFC 5256 §2.1, §3), message by message in mailbox order: ids of all in one array, because 100,000
 * little arrays take 200 MB.
 */

export interface ThreadedMessage {
  /** Its own id or 0, then its references (shared/mime/message-keys.ts). */
  ids: Float64Array;
  /** The same number for the same base subject, 0 for an empty one; and whether the subject was that of a reply or forward. */
  base: number;
  reply: boolean;
}

/** Ids a message has on average; the array grows when there are more. */
const IDS_EXPECTED = 4;

export class ThreadedMessages {
  #ids: Float64Array;
  /** Where the ids of each message end. */
  readonly #ends: Uint32Array;
  readonly #bases: Uint32Array;
  readonly #replies: Uint8Array;
  length = 0;

  /** `count`: how many there will be. */
  constructor(count: number) {
    this.#ids = new Float64Array(count * IDS_EXPECTED);
    this.#ends = new Uint32Array(count);
    this.#bases = new Uint32Array(count);
    this.#replies = new Uint8Array(count);
  }

  add({ ids, base, reply }: ThreadedMessage): void {
    const start = this.#start(this.length);
    const end = start + ids.length;
    if (end > this.#ids.length) {
      const larger = new Float64Array(end * 2);
      larger.set(this.#ids.subarray(0, start));
      this.#ids = larger;
    }
    this.#ids.set(ids, start);
    this.#ends[this.length] = end;
    this.#replies[this.length] = reply ? 1 : 0;
    this.#bases[this.length] = base;
    this.length += 1;
  }

  /** Its own id and its references. */
  ids(message: number): Float64Array {
    return this.#ids.subarray(this.#start(message), this.#ends[message] ?? 0);
  }

  base(message: number): number {
    return this.#bases[message] ?? 0;
  }

  /** False for what is no message. */
  isReply(message: number): boolean {
    return this.#replies[message] === 1;
  }

  #start(message: number): number {
    return message === 0 ? 0 : (this.#ends[message - 1] ?? 0);
  }
}
