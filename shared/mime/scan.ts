/**
 * The structural scan: one pass over a message's octets, in chunks cut anywhere, gives the MIME tree
 * of byte offsets (RFC 2045, RFC 2046 §5.1) and keeps nothing but the tree. It never fails: a multipart
 * without boundary or parts is one text part, and what exceeds a limit stays inside the part it is in.
 * A header block whose first line is no field is no header: the part begins with its body (RFC 7103 §7).
 */
import { BodyOctets } from './bodyoctets.ts';
import { type Delimiter, delimiterIn } from './boundary.ts';
import { contentFields, isIdentity } from './content.ts';
import { ENVELOPE_FIELDS, keepFields, parseHeaderBlock } from './headers.ts';
import type { Part } from './index-types.ts';
import { LINE_JUDGED_MAX, LineReader, type LineSink } from './lines.ts';
import { byteString, octetsOf, trimOctets } from './octets.ts';
import { rawParameter } from './parameters.ts';
import { type OctetCounter, octetCounter } from './transfer.ts';

/** Nesting beyond this is an attack on recursive readers; the deepest part is text. */
export const DEPTH_MAX = 100;
/** Parts of one message; further delimiters are read as text. */
export const PARTS_MAX = 1000;
/** Header octets looked at, all parts together; beyond it fields are not seen. */
export const HEADER_OCTETS_MAX = 256 * 1024;
/** RFC 2046 says 70; some senders write more. */
const BOUNDARY_MAX = 256;
/** Octets of envelope fields kept of one enclosed message. */
const ENCLOSED_HEADERS_MAX = 8 * 1024;

/** Who wants to see headers and bodies on the way. Bodies come in pieces, without the break before a delimiter. */
export interface ScanObserver {
  /** A header block is complete; `part` has its fields. The root comes first. */
  header(part: Part, block: string): void;
  /** Octets of a leaf's body, or of what precedes a multipart's first delimiter; valid only during the call. */
  octets(part: Part, bytes: Uint8Array): void;
}

interface Frame {
  part: Part;
  /** The part is the message in a message/rfc822. */
  enclosed: boolean;
  /** The part's default type is message/rfc822 (RFC 2046 §5.1.5). */
  inDigest: boolean;
  /** Line breaks in the message before this part's body. */
  breaksBefore: number;
}

const LF = 0x0a;
const CR = 0x0d;
const DASH = 0x2d;

/** Feed it all octets of one message, then ask for the tree. */
export class MessageScanner implements LineSink {
  readonly #observer: ScanObserver | null;
  readonly #lines = new LineReader(this);
  readonly #body = new BodyOctets();
  readonly #root: Part;
  /** Open parts, outermost first, and the boundary each looks for. */
  readonly #frames: Frame[] = [];
  readonly #boundaries: (Uint8Array | null)[] = [];
  #mode: 'header' | 'body' | 'between' = 'header';
  #parts = 0;
  #counter: OctetCounter | null = null;

  #header = new Uint8Array(2048);
  #headerLength = 0;
  #headerLines = 0;
  #headerBudget = HEADER_OCTETS_MAX;

  /** Where the current line began or continues; breaks so far; the shape of the last ended line. */
  #offset = 0;
  #breaks = 0;
  #lastEmpty = true;
  #lastBreak = 0;
  #inLine = false;
  #endsWithCr = false;

  constructor(observer: ScanObserver | null = null) {
    this.#observer = observer;
    this.#root = this.#open(false, false);
  }

  write(chunk: Uint8Array): void {
    this.#lines.write(chunk);
  }

  /** The tree. No octets may follow. */
  finish(): Part {
    this.#lines.finish();
    const breaks = this.#breaks;
    while (this.#mode === 'header') this.#endHeader(this.#offset, breaks);
    this.#body.end(false);
    while (this.#frames.length > 0) this.#close(this.#offset, breaks);
    return this.#root;
  }

  // -------------------------------------------------------------- lines

  line(bytes: Uint8Array, start: number, end: number, ended: boolean): void {
    if (bytes[start] === DASH && bytes[start + 1] === DASH && end - start < LINE_JUDGED_MAX) {
      const delimiter = delimiterIn(bytes, start, end, this.#boundaries);
      if (delimiter && (delimiter.close || this.#parts < PARTS_MAX)) {
        this.#endParts(delimiter);
        this.#advance(bytes, start, end, ended);
        this.#goOn(delimiter);
        return;
      }
    }
    while (this.#mode === 'header' && this.#headerLines === 0 && !beginsHeader(bytes, start, end))
      this.#endHeader(this.#offset, this.#breaks);
    if (this.#mode === 'header') this.#headerLines++;
    this.rest(bytes, start, end, ended);
    if (this.#mode === 'header' && ended && this.#lastEmpty) this.#endHeader(this.#offset, this.#breaks);
  }

  rest(bytes: Uint8Array, start: number, end: number, ended: boolean): void {
    if (this.#mode === 'header') this.#capture(bytes, start, end);
    else this.#body.add(bytes, start, end);
    this.#advance(bytes, start, end, ended);
  }

  flush(): void {
    this.#body.flush();
  }

  #advance(bytes: Uint8Array, start: number, end: number, ended: boolean): void {
    this.#offset += end - start;
    if (ended) {
      const afterCr = end - start > 1 ? bytes[end - 2] === CR : this.#inLine && this.#endsWithCr;
      this.#lastBreak = afterCr ? 2 : 1;
      this.#lastEmpty = !this.#inLine && end - start === this.#lastBreak;
      this.#breaks++;
    }
    this.#endsWithCr = bytes[end - 1] === CR;
    this.#inLine = !ended;
  }

  // -------------------------------------------------------------- headers

  #capture(bytes: Uint8Array, start: number, end: number): void {
    const length = Math.min(end - start, this.#headerBudget);
    this.#headerBudget -= length;
    while (this.#headerLength + length > this.#header.length) this.#header = doubled(this.#header);
    this.#header.set(bytes.subarray(start, start + length), this.#headerLength);
    this.#headerLength += length;
  }

  /** The block read so far; without its last line when the budget cut it. */
  #block(): string {
    const block = byteString(this.#header, 0, this.#headerLength);
    this.#headerLength = this.#headerLines = 0;
    return this.#headerBudget > 0 ? block : block.slice(0, block.lastIndexOf('\n') + 1);
  }

  /** The block is read, or there is none; goes on with what the part is. */
  #endHeader(bodyStart: number, breaks: number): void {
    const frame = this.#frames.at(-1);
    if (!frame) return;
    const { part } = frame;
    const block = this.#block();
    const fields = parseHeaderBlock(block);
    Object.assign(part, contentFields(fields, frame.inDigest), { bodyStart });
    if (frame.enclosed) part.headers = keepFields(block, fields, (name) => ENVELOPE_FIELDS.has(name), ENCLOSED_HEADERS_MAX).headers;
    frame.breaksBefore = breaks;
    const boundary = this.#usableBoundary(part);
    const enclosing = isMessage(part) && isIdentity(part.encoding);
    if ((part.type === 'multipart' && !boundary) || (enclosing && !this.#roomForPart())) becomeText(part);
    this.#observer?.header(part, block);
    if (enclosing && this.#roomForPart()) {
      part.children = [this.#open(true, false)];
      return;
    }
    this.#boundaries[this.#boundaries.length - 1] = boundary;
    this.#mode = boundary ? 'between' : 'body';
    this.#counter = boundary ? null : octetCounter(part.encoding);
    this.#body.begin(taker(part, this.#counter, this.#observer));
  }

  #usableBoundary(part: Part): Uint8Array | null {
    if (part.type !== 'multipart' || !this.#roomForPart()) return null;
    const boundary = trimOctets(rawParameter(part.parameters, 'boundary') ?? '');
    return boundary === '' || boundary.length > BOUNDARY_MAX ? null : octetsOf(boundary);
  }

  // -------------------------------------------------------------- parts

  #roomForPart(): boolean {
    return this.#frames.length < DEPTH_MAX && this.#parts < PARTS_MAX;
  }

  /** A new part begins here, with its header. */
  #open(enclosed: boolean, inDigest: boolean): Part {
    const at = this.#offset;
    const part: Part = {
      headerStart: at,
      bodyStart: at,
      end: at,
      lines: 0,
      type: 'text',
      subtype: 'plain',
      parameters: [],
      encoding: '7bit',
    };
    this.#frames.push({ part, enclosed, inDigest, breaksBefore: this.#breaks });
    this.#boundaries.push(null);
    this.#mode = 'header';
    this.#headerLength = this.#headerLines = 0;
    this.#parts++;
    return part;
  }

  /** The parts inside the multipart whose delimiter this line is. */
  #endParts({ level }: Delimiter): void {
    while (this.#mode === 'header') this.#endHeader(this.#offset, this.#breaks);
    this.#body.end(true);
    this.#closeAtDelimiter(level + 1);
  }

  /** After the delimiter: a new part, or the epilogue. */
  #goOn({ level, close }: Delimiter): void {
    const { part } = this.#frames[level] ?? { part: this.#root };
    if (close) {
      this.#boundaries[level] = null;
      this.#mode = 'between';
    } else {
      const child = this.#open(false, part.subtype === 'digest');
      part.children = part.children ?? [];
      part.children.push(child);
    }
  }

  /** Ends the open parts from `level` inwards before the line break that precedes this line. */
  #closeAtDelimiter(level: number): void {
    let innerEnd = this.#offset - this.#lastBreak;
    while (this.#frames.length > level) {
      const start = this.#frames.at(-1)?.part.bodyStart ?? 0;
      innerEnd = Math.max(innerEnd, start);
      const breaks = innerEnd === this.#offset ? this.#breaks : this.#breaks - 1;
      this.#close(innerEnd, breaks);
    }
  }

  /** Ends the innermost part; `breaks` counts the message's line breaks up to there. */
  #close(end: number, breaks: number): void {
    const frame = this.#frames.pop();
    this.#boundaries.pop();
    if (!frame) return;
    const { part } = frame;
    part.end = end;
    part.lines = end > part.bodyStart ? breaks - frame.breaksBefore : 0;
    if (part.type === 'multipart' && !part.children) becomeText(part);
    if (this.#counter) part.decodedSize = this.#counter.octets();
    this.#counter = null;
  }
}

/** The whole tree of a message in memory. */
export function scanMessage(bytes: Uint8Array): Part {
  const scanner = new MessageScanner();
  scanner.write(bytes);
  return scanner.finish();
}

function isMessage(part: Part): boolean {
  return part.type === 'message' && (part.subtype === 'rfc822' || part.subtype === 'global');
}

/** What claims to have parts and has none, or is too deep to be opened, is readable as text (RFC 2045 §5.2). */
function becomeText(part: Part): void {
  Object.assign(part, { type: 'text', subtype: 'plain', parameters: [], encoding: '7bit' });
}

/** Does a header block begin with this line? An mbox `From ` line before it is let pass. */
function beginsHeader(bytes: Uint8Array, start: number, end: number): boolean {
  if (bytes[start] === LF || (bytes[start] === CR && bytes[start + 1] === LF)) return true;
  const head = byteString(bytes, start, Math.min(end, start + LINE_JUDGED_MAX));
  return /^>?From |^[^\s:]{1,200}[ \t]*:/.test(head);
}

function taker(part: Part, counter: OctetCounter | null, observer: ScanObserver | null): ((bytes: Uint8Array) => void) | null {
  if (!counter && !observer) return null;
  return (bytes) => {
    counter?.write(bytes);
    observer?.octets(part, bytes);
  };
}

function doubled(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(bytes.length * 2);
  larger.set(bytes);
  return larger;
}
