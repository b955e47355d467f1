/** Where in the text file each email's record lies: 25 octets an email in memory besides the map. */
import { RECORD_HEAD, type RecordHead } from './records.ts';

/** Room for as many records at first. */
const FIRST = 1024;

export class TextIndex {
  readonly #records = new Map<number, number>();
  #starts = new Float64Array(FIRST);
  #headers = new Uint32Array(FIRST);
  #bodies = new Uint32Array(FIRST);
  #count = 0;

  /** Number of the email's record, ascending in the order of the file. */
  find(email: number): number | undefined {
    return this.#records.get(email);
  }

  /** `start`: offset of the record's head. The last record of an email counts. */
  add({ email, header, body }: RecordHead, start: number): void {
    if (this.#count === this.#starts.length) this.#grow();
    this.#starts[this.#count] = start;
    this.#headers[this.#count] = header;
    this.#bodies[this.#count] = body;
    this.#records.set(email, this.#count++);
  }

  clear(): void {
    this.#records.clear();
    this.#count = 0;
  }

  /** Offsets of the header's text and of the body's, and where the record ends. */
  place(record: number): { start: number; body: number; end: number } {
    const start = (this.#starts[record] ?? 0) + RECORD_HEAD;
    const body = start + (this.#headers[record] ?? 0);
    return { start, body, end: body + (this.#bodies[record] ?? 0) };
  }

  #grow(): void {
    const [starts, headers, bodies] = [this.#starts, this.#headers, this.#bodies];
    this.#starts = new Float64Array(starts.length * 2);
    this.#headers = new Uint32Array(starts.length * 2);
    this.#bodies = new Uint32Array(starts.length * 2);
    this.#starts.set(starts);
    this.#headers.set(headers);
    this.#bodies.set(bodies);
  }
}
