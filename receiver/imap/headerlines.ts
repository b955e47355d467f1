/**
 * Header fields without taking a block apart (RFC 5322 §2.2): for the paths that look at a few fields of each of 100,000
 * messages. What a field is, is decided as in `shared/mime/headers.ts`; names are compared where they stand.
 */
import { unfold } from '../../shared/mime/headers.ts';

const LF = 0x0a;
const CR = 0x0d;
const TAB = 0x09;
const SPACE = 0x20;
const COLON = 0x3a;
const TILDE = 0x7e;

/** Where a field's name begins and ends, where its lines end, and where its value begins. */
type Visit = (start: number, nameEnd: number, end: number, valueStart: number) => void;

/** Calls `visit` with each field of a block, in order. Lines that are no field are passed over. */
export function eachField(block: string, visit: Visit): void {
  let nameEnd = 0;
  let fieldStart = 0;
  let valueStart = 0;
  let start = 0;
  for (let end = 0; start < block.length; start = end) {
    const lf = block.indexOf('\n', start);
    end = lf < 0 ? block.length : lf + 1;
    const first = block.charCodeAt(start);
    if (first === SPACE || first === TAB) continue;
    if (valueStart > 0) visit(fieldStart, nameEnd, start, valueStart);
    valueStart = 0;
    if (first === LF || (first === CR && end - start === 2)) return;
    nameEnd = endOfName(block, start);
    const colon = endOfSpace(block, nameEnd, end);
    if (nameEnd === start || block.charCodeAt(colon) !== COLON) continue;
    fieldStart = start;
    valueStart = colon + 1;
  }
  if (valueStart > 0) visit(fieldStart, nameEnd, block.length, valueStart);
}

/** RFC 5322 §3.6.8: printable ASCII without the colon. */
function endOfName(block: string, start: number): number {
  let at = start;
  for (let octet = block.charCodeAt(at); octet > SPACE && octet <= TILDE && octet !== COLON; octet = block.charCodeAt(at)) at++;
  return at;
}

/** SP, HT, VT, FF, CR (RFC 5322 §4.5.8 lets space stand before the colon). */
function endOfSpace(block: string, start: number, end: number): number {
  let at = start;
  for (let octet = block.charCodeAt(at); at < end && (octet === SPACE || (octet >= TAB && octet <= CR)); octet = block.charCodeAt(at)) at++;
  return at;
}

/** Field names, compared without regard to case and without a string for each field that is passed over. */
export class FieldNames {
  /** In lower case, by length. */
  readonly #names: string[][] = [];

  constructor(names: Iterable<string>) {
    for (const name of names) {
      this.#names[name.length] ??= [];
      this.#names[name.length]?.push(name.toLowerCase());
    }
  }

  /** Whether the name at [start, end) of `block` is one of them. */
  has(block: string, start: number, end: number): boolean {
    for (const name of this.#names[end - start] ?? NONE) if (stands(name, block, start)) return true;
    return false;
  }
}
const NONE: readonly string[] = [];

/** Names are printable ASCII, whose letters differ from their capitals in one bit. */
function stands(name: string, block: string, start: number): boolean {
  for (let at = 0; at < name.length; at++) {
    const octet = block.charCodeAt(start + at);
    const lower = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
    if (lower !== name.charCodeAt(at)) return false;
  }
  return true;
}

/** Unfolded values of all fields of that name, in order. */
export function fieldValues(block: string, wanted: string): string[] {
  const names = new FieldNames([wanted]);
  const values: string[] = [];
  eachField(block, (start, nameEnd, end, valueStart) => {
    if (names.has(block, start, nameEnd)) values.push(unfold(block.slice(valueStart, end)));
  });
  return values;
}
