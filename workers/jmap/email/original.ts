/**
 * The stored octets of one message, read only when the index cannot answer. A small original is read
 * whole at the first question, since one read of 256 KB costs what one of 2 KB does; of a large one only
 * the ranges asked for.
 */
import type { MailStore } from '../../store/mail/types.ts';
import { readStream } from '../body.ts';

/** Octets up to which an original is read whole. */
const WHOLE_MAX = 256 * 1024;

/** Octets by range; a range that is not there is answered short. */
export interface Original {
  read(offset: number, length: number): Promise<Uint8Array>;
}

export class StoredOriginal implements Original {
  readonly #mail: MailStore;
  readonly #sha256: string;
  readonly #size: number;
  readonly #base: number;
  #whole: Promise<Uint8Array> | null = null;

  /** `base`: where in the stored object the message begins, for one that lies in another. */
  constructor(mail: MailStore, sha256: string, size: number, base = 0) {
    this.#mail = mail;
    this.#sha256 = sha256;
    this.#size = size;
    this.#base = base;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (length <= 0) return new Uint8Array();
    if (this.#size > WHOLE_MAX) return this.#range(offset, length);
    this.#whole ??= this.#range(0, this.#size);
    return (await this.#whole).subarray(offset, offset + length);
  }

  async #range(offset: number, length: number): Promise<Uint8Array> {
    const blob = await this.#mail.getBlob(this.#sha256, { offset: this.#base + offset, length });
    if (blob === null) throw new Error(`original ${this.#sha256} is not in the bucket`);
    return (await readStream(blob.body, length)) ?? new Uint8Array();
  }
}
