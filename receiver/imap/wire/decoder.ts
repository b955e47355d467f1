/**
 * The incremental half of reading IMAP: octets in, whole commands out (RFC 9051 §4, RFC 7888). A command is
 * lines of text with literals between them; where the socket cut the octets makes no difference. Everything
 * a stranger can make grow has a bound here: the text, each literal, their number, and what is thrown away.
 * Grammar is not known here; `arguments.ts` reads what this collects.
 */

/** Octets of text in one command, literals aside. RFC 2683 §3.2.1.5 wants 8,000; long UID sets need more. */
export const TEXT_MAX = 128 * 1024;
/** Literals one command may carry; each costs an object even when empty. MULTIAPPEND of 100 messages fits. */
export const LITERALS_MAX = 256;
/** A command's literals together keep no more than this in memory: what exceeds it leaves in chunks, to be spooled to a file. */
export const LITERAL_IN_MEMORY_MAX = 1024 * 1024;
/** Octets a client may make us read only to throw them away; beyond it the connection closes (RFC 7888 §4). */
export const DISCARD_MAX = 128 * 1024 * 1024;

/** A counted string (RFC 9051 §4.3). Exactly one of `bytes` and `path` is set once its command is complete. */
export interface Literal {
  size: number;
  /** `~{n}`: literal8, NUL is allowed (RFC 3516). */
  binary: boolean;
  bytes: Uint8Array | null;
  /** Where the spooled octets lie, for large ones. */
  path: string | null;
}
/** A command's text (byte strings, without line ends) and literals, in the order sent. */
export type CommandParts = (string | Literal)[];

export type DecoderEvent =
  | { kind: 'command'; parts: CommandParts }
  /** One line, in `line` mode. */
  | { kind: 'line'; text: string }
  /** The client waits for `+` before it sends the literal. */
  | { kind: 'continue' }
  /** Octets of a large literal; `last` ends it. */
  | { kind: 'chunk'; literal: Literal; chunk: Uint8Array; last: boolean }
  /** The command cannot be taken and has been skipped: answer its tag. `literal`: one was too large. */
  | { kind: 'refused'; reason: 'text' | 'literal'; start: string }
  /** Nothing sensible can follow: close. */
  | { kind: 'fatal'; reason: string };

/** Octets of text a command may have before login: a stranger's longest is AUTHENTICATE with an initial response. */
export const STRANGER_TEXT_MAX = 8 * 1024;

/** How many octets the next literal of a command may have. `start`: the command's first text; `taken`: octets of its literals so far. */
export type LiteralLimit = (start: string, taken: number) => number;

const LITERAL_AT_END = /(~?)\{(\d{1,20})(\+|-)?\}$/;
/** Longest text LITERAL_AT_END can match. */
const LITERAL_MARK_MAX = 25;
/** Of a command that is skipped: its tag is in there. */
const START_KEPT = 256;
const LF = 0x0a;

type State = 'text' | 'literal' | 'skipText';

export class Decoder {
  readonly #limit: LiteralLimit;
  readonly #textMax: () => number;
  #input: Buffer = Buffer.alloc(0);
  #position = 0;
  #state: State = 'text';
  #line = '';
  #textLength = 0;
  #parts: CommandParts = [];
  #literals = 0;
  /** Octets of this command's literals: all of them, and those kept in memory. */
  #taken = 0;
  #kept = 0;
  #literal: Literal | null = null;
  #spooling = false;
  #chunks: Uint8Array[] = [];
  #remaining = 0;
  /** Set while the rest of a refused command is skipped. */
  #refusal: 'text' | 'literal' | null = null;
  #discarded = 0;
  #dead = false;

  /** `textMax`: octets of text in one command, as it stands now. */
  constructor(limit: LiteralLimit, textMax: () => number = () => TEXT_MAX) {
    this.#limit = limit;
    this.#textMax = textMax;
  }

  /** Call only after `next` has returned null: at most one chunk waits. */
  write(chunk: Uint8Array): void {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#input = this.#position < this.#input.length ? Buffer.concat([this.#input.subarray(this.#position), buffer]) : buffer;
    this.#position = 0;
  }

  /** True when octets wait that `next` has not looked at. */
  get pending(): boolean {
    return this.#position < this.#input.length;
  }

  /** True inside a command that is not complete. */
  get midway(): boolean {
    return this.#state !== 'text' || this.#line !== '' || this.#parts.length > 0;
  }

  /** Forgets everything received: plaintext before a TLS layer (RFC 9051 §6.2.1). */
  drop(): void {
    this.#input = Buffer.alloc(0);
    this.#position = 0;
    this.#reset();
  }

  /** The next event, or null when more octets are needed. In `line` mode text is taken as it is, literals are not looked for. */
  next(mode: 'command' | 'line' = 'command'): DecoderEvent | null {
    while (!this.#dead && (this.#position < this.#input.length || (this.#state === 'literal' && this.#remaining === 0))) {
      const event = this.#state === 'literal' ? this.#takeLiteral() : this.#takeText(mode);
      if (event) {
        if (event.kind === 'fatal') this.#dead = true;
        return event;
      }
    }
    return null;
  }

  #takeText(mode: 'command' | 'line'): DecoderEvent | null {
    const end = this.#input.indexOf(LF, this.#position);
    const stop = end < 0 ? this.#input.length : end;
    const length = stop - this.#position;
    if (this.#state === 'skipText') this.#discarded += length;
    else {
      this.#textLength += length;
      if (this.#textLength > this.#textMax()) this.#beginSkip(stop);
      else this.#line += this.#input.toString('latin1', this.#position, stop);
    }
    this.#position = end < 0 ? stop : end + 1;
    if (this.#discarded > DISCARD_MAX) return { kind: 'fatal', reason: 'Too much input thrown away' };
    return end < 0 ? null : this.#endLine(mode);
  }

  /** Keeps what names the command (its tag is in there), throws the rest away. */
  #beginSkip(stop: number): void {
    this.#refusal ??= 'text';
    this.#state = 'skipText';
    const start = this.#line + this.#input.toString('latin1', this.#position, Math.min(stop, this.#position + START_KEPT));
    if (this.#parts.length === 0) this.#parts.push(start.slice(0, START_KEPT));
    this.#line = '';
  }

  #endLine(mode: 'command' | 'line'): DecoderEvent | null {
    const line = this.#line.endsWith('\r') ? this.#line.slice(0, -1) : this.#line;
    this.#line = '';
    if (this.#state === 'skipText') return this.#endRefused();
    if (mode === 'line') {
      this.#reset();
      return { kind: 'line', text: line };
    }
    const mark = LITERAL_AT_END.exec(line.slice(-LITERAL_MARK_MAX));
    if (mark) return this.#beginLiteral(line, mark);
    if (this.#refusal) return this.#endRefused();
    const parts = [...this.#parts, line];
    this.#reset();
    return { kind: 'command', parts };
  }

  #beginLiteral(line: string, mark: RegExpExecArray): DecoderEvent | null {
    const size = Number(mark[2]);
    const binary = mark[1] === '~';
    const waits = mark[3] === undefined;
    if (!this.#refusal) {
      this.#parts.push(line.slice(0, line.length - mark[0].length));
      this.#literals += 1;
      if (this.#literals > LITERALS_MAX || size > this.#limit(this.#start(), this.#taken)) this.#refusal = 'literal';
    }
    if (this.#refusal && waits) return this.#endRefused();
    if (this.#refusal && size + this.#discarded > DISCARD_MAX) return { kind: 'fatal', reason: 'Literal too large' };
    this.#literal = { size, binary, bytes: null, path: null };
    this.#taken += size;
    this.#spooling = this.#kept + size > LITERAL_IN_MEMORY_MAX;
    if (!this.#spooling) this.#kept += size;
    this.#remaining = size;
    this.#state = 'literal';
    return waits ? { kind: 'continue' } : null;
  }

  #takeLiteral(): DecoderEvent | null {
    const literal = this.#literal;
    if (!literal) throw new Error('no literal is being read');
    const length = Math.min(this.#remaining, this.#input.length - this.#position);
    const chunk = this.#input.subarray(this.#position, this.#position + length);
    this.#position += length;
    this.#remaining -= length;
    const last = this.#remaining === 0;
    if (last) this.#state = 'text';
    if (this.#refusal) {
      this.#discarded += length;
      return null;
    }
    if (last) this.#parts.push(literal);
    if (this.#spooling) return { kind: 'chunk', literal, chunk, last };
    // A copy: keeping a slice would keep the socket's whole buffer.
    if (length > 0) this.#chunks.push(Uint8Array.prototype.slice.call(chunk));
    if (last) {
      literal.bytes = this.#chunks.length === 1 && this.#chunks[0] ? this.#chunks[0] : Buffer.concat(this.#chunks);
      this.#chunks = [];
    }
    return null;
  }

  #endRefused(): DecoderEvent {
    const event: DecoderEvent = { kind: 'refused', reason: this.#refusal ?? 'text', start: this.#start() };
    this.#reset();
    return event;
  }

  #start(): string {
    const first = this.#parts[0];
    return typeof first === 'string' ? first : '';
  }

  #reset(): void {
    this.#state = 'text';
    this.#line = '';
    this.#textLength = 0;
    this.#parts = [];
    this.#literals = 0;
    this.#taken = 0;
    this.#kept = 0;
    this.#literal = null;
    this.#spooling = false;
    this.#chunks = [];
    this.#remaining = 0;
    this.#refusal = null;
    this.#discarded = 0;
  }
}
