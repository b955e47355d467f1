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
  #whole: Promise<Uint8Array> | null = null;

  constructor(mail: MailStore, sha256: string, size: number) {
    this.#mail = mail;
    this.#sha256 = sha256;
    this.#size = size;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (length <= 0) return new Uint8Array();
    if (this.#size > WHOLE_MAX) return this.#range(offset, length);
    this.#whole ??= this.#range(0, this.#size);
    return (await this.#whole).subarray(offset, offset + length);
  }

  async #range(offset: number, length: number): Promise<Uint8Array> {
    const blob = await this.#mail.getBlob(this.#sha256, { offset, length });
    if (blob === null) throw new Error(`original ${this.#sha256} is not in the bucket`);
    return (await readStream(blob.body, length)) ?? new Uint8Array();
  }
}

/** An original that is already in memory, as Email/parse has it. */
export class HeldOriginal implements Original {
  readonly #octets: Uint8Array;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return this.#octets.subarray(offset, offset + length);
  }
}
