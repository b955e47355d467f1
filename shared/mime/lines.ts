/**
 * Octets in chunks cut anywhere → lines (RFC 5322 §2.1), each seen from its beginning. At most
 * LINE_JUDGED_MAX octets are ever held: the beginning of a longer line is handed on, then the rest of
 * it as it comes. Where the chunks were cut makes no difference to what the reader of the lines decides.
 */

/** RFC 5322 §2.1.1 allows 998 and CRLF: a line as long as this or longer is no delimiter, no empty line and no field's first line. */
export const LINE_JUDGED_MAX = 1000;

const LF = 0x0a;

/** What receives the lines. Ranges include the line break; `ended` says that there is one. */
export interface LineSink {
  /** A line from its beginning: all of it, or no less than LINE_JUDGED_MAX octets. Not `ended`: more comes, or it is the last. */
  line(bytes: Uint8Array, start: number, end: number, ended: boolean): void;
  /** More of the same line. */
  rest(bytes: Uint8Array, start: number, end: number, ended: boolean): void;
  /** The arrays handed over so far are about to be used again. */
  flush(): void;
}

export class LineReader {
  readonly #sink: LineSink;
  /** The beginning of a line that has not ended. */
  readonly #carry = new Uint8Array(LINE_JUDGED_MAX);
  #carried = 0;
  /** The line's beginning was handed on. */
  #inLine = false;

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  write(chunk: Uint8Array): void {
    let at = this.#resume(chunk);
    while (at < chunk.length) {
      const lf = chunk.indexOf(LF, at);
      if (lf < 0) {
        this.#begin(chunk, at);
        break;
      }
      this.#sink.line(chunk, at, lf + 1, true);
      at = lf + 1;
    }
    this.#sink.flush();
  }

  finish(): void {
    if (this.#carried > 0) this.#sink.line(this.#carry, 0, this.#carried, false);
    this.#carried = 0;
    this.#sink.flush();
  }

  /** The chunk ends inside a line. */
  #begin(chunk: Uint8Array, at: number): void {
    if (chunk.length - at <= LINE_JUDGED_MAX) {
      this.#carry.set(chunk.subarray(at));
      this.#carried = chunk.length - at;
    } else {
      this.#sink.line(chunk, at, chunk.length, false);
      this.#inLine = true;
    }
  }

  /** Goes on with the line an earlier chunk began. Returns where the next line starts. */
  #resume(chunk: Uint8Array): number {
    if (chunk.length === 0 || (this.#carried === 0 && !this.#inLine)) return 0;
    const lf = chunk.indexOf(LF);
    const end = lf < 0 ? chunk.length : lf + 1;
    if (!this.#inLine && this.#carried + end <= LINE_JUDGED_MAX) {
      this.#carry.set(chunk.subarray(0, end), this.#carried);
      this.#carried += end;
      if (lf >= 0) this.#release(true);
      return end;
    }
    let taken = 0;
    if (!this.#inLine) {
      taken = LINE_JUDGED_MAX - this.#carried;
      this.#carry.set(chunk.subarray(0, taken), this.#carried);
      this.#carried = LINE_JUDGED_MAX;
      this.#release(false);
    }
    this.#sink.rest(chunk, taken, end, lf >= 0);
    this.#inLine = lf < 0;
    return end;
  }

  #release(ended: boolean): void {
    this.#sink.line(this.#carry, 0, this.#carried, ended);
    this.#sink.flush();
    this.#carried = 0;
    this.#inLine = !ended;
  }
}
