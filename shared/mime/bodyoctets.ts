/**
 * The octets of one body on their way to whoever wants them. The line break before a delimiter
 * belongs to the delimiter (RFC 2046 §5.1.1), so the last break is held until the next line is known.
 * Neighbouring lines of a chunk are passed on as one run.
 */
const LF = 0x0a;
const CR = 0x0d;
const NOTHING = new Uint8Array(0);
const BREAK = { cr: Uint8Array.of(CR), lf: Uint8Array.of(LF), crlf: Uint8Array.of(CR, LF) };

export class BodyOctets {
  #take: ((bytes: Uint8Array) => void) | null = null;
  #run: Uint8Array = NOTHING;
  #start = 0;
  #end = 0;
  #held: Uint8Array = NOTHING;

  /** A new body begins; null: nobody wants its octets. */
  begin(take: ((bytes: Uint8Array) => void) | null): void {
    this.#take = take;
    this.#held = NOTHING;
    this.#start = this.#end = 0;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#take) return;
    if (this.#run !== bytes || this.#end !== start) {
      this.flush();
      this.#run = bytes;
      this.#start = start;
    }
    this.#end = end;
  }

  /** Passes on all but a break at the end. */
  flush(): void {
    const run = this.#run.subarray(this.#start, this.#end);
    this.#run = NOTHING;
    this.#start = this.#end = 0;
    if (run.length === 0) return;
    if (run.length === 1 && run[0] === LF && this.#held === BREAK.cr) {
      this.#held = BREAK.crlf;
      return;
    }
    const kept = breakAtEnd(run);
    this.#pass(this.#held);
    this.#held = kept;
    this.#pass(run.subarray(0, run.length - kept.length));
  }

  /** The body ends: at a delimiter without its last break, at the end of the message with it. */
  end(atDelimiter: boolean): void {
    this.flush();
    if (!atDelimiter) this.#pass(this.#held);
    this.begin(null);
  }

  #pass(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#take?.(bytes);
  }
}

function breakAtEnd(run: Uint8Array): Uint8Array {
  const last = run[run.length - 1];
  if (last === CR) return BREAK.cr;
  if (last !== LF) return NOTHING;
  return run[run.length - 2] === CR ? BREAK.crlf : BREAK.lf;
}
