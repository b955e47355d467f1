/**
 * The header section of a message on its way in, as octets: which fields there are and where (RFC 5322
 * §2.2). Used to find loops (RFC 5321 §6.3), to take out Authentication-Results that pretend to be ours
 * (RFC 8601 §5), and to see what a submission lacks (RFC 6409 §8). Nothing is decoded or rewritten.
 */

export interface Field {
  /** Lower case; empty for a line that is no field. */
  name: string;
  /** Octets of the whole field, folded lines and last CRLF included. */
  start: number;
  end: number;
}

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const COLON = 0x3a;

/** The fields in order. Lines end with CRLF; the empty line and what follows it are not read. */
export function* fieldsOf(header: Uint8Array): Generator<Field> {
  let start = 0;
  while (start < header.length && !(header[start] === CR && header[start + 1] === LF)) {
    let end = lineEnd(header, start);
    while (end < header.length && (header[end] === SPACE || header[end] === TAB)) end = lineEnd(header, end);
    yield { name: fieldName(header, start, end), start, end };
    start = end;
  }
}

function lineEnd(header: Uint8Array, from: number): number {
  const lf = header.indexOf(LF, from);
  return lf < 0 ? header.length : lf + 1;
}

/** A field name is printable ASCII without colon (RFC 5322 §2.2); white space before the colon is obsolete, not absent (§4.5). */
function fieldName(header: Uint8Array, start: number, end: number): string {
  let name = '';
  for (let i = start; i < end; i++) {
    const octet = header[i] ?? 0;
    if (octet === COLON) return name.trimEnd().toLowerCase();
    const printable = octet > SPACE && octet < 0x7f && !/[ \t]/.test(name.slice(-1));
    if (!printable && octet !== SPACE && octet !== TAB) return '';
    name += String.fromCharCode(octet);
    if (name.length > FIELD_NAME_MAX) return '';
  }
  return '';
}

/** No registered field name comes near; a longer one is junk. */
const FIELD_NAME_MAX = 128;

/** What is behind the field's colon, as a byte string. */
export function fieldValue(header: Uint8Array, { start, end }: Field): string {
  const colon = header.indexOf(COLON, start);
  return Buffer.from(header.buffer, header.byteOffset + colon + 1, end - colon - 1).toString('latin1');
}

/** The header section without the Authentication-Results fields that bear `hostname`; every other octet stays. */
export function withoutForgedResults(header: Buffer, hostname: string): Buffer {
  const kept: Buffer[] = [];
  let from = 0;
  for (const field of fieldsOf(header)) {
    if (field.name !== 'authentication-results' || !bearsName(fieldValue(header, field), hostname)) continue;
    kept.push(header.subarray(from, field.start));
    from = field.end;
  }
  return from === 0 ? header : Buffer.concat([...kept, header.subarray(from)]);
}

function bearsName(value: string, hostname: string): boolean {
  const id = authservId(value).toLowerCase().replace(/\.$/, '');
  return id === hostname.toLowerCase().replace(/\.$/, '');
}

/** The authserv-id of an Authentication-Results value: behind comments and folds, quoted or not (RFC 8601 §2.2). */
export function authservId(value: string): string {
  const start = skipComments(value);
  if (value[start] === '"') {
    const quoted = /^"((?:[^"\\]|\\.)*)"/s.exec(value.slice(start, start + QUOTED_MAX));
    return (quoted?.[1] ?? '')
      .replace(/\\(.)/gs, '$1')
      .replace(/\r\n(?=[ \t])/g, '')
      .trim();
  }
  return /^[^\s;()"]*/.exec(value.slice(start, start + QUOTED_MAX))?.[0] ?? '';
}

/** A host name has 255 octets; with every one escaped and folded it stays below this. */
const QUOTED_MAX = 2048;

/** The first octet that is neither white space nor inside a (nested) comment. */
function skipComments(value: string): number {
  let depth = 0;
  for (let i = 0; i < value.length; i++) {
    const c = value[i] ?? '';
    if (c === '\\' && depth > 0) i++;
    else if (c === '(') depth++;
    else if (c === ')' && depth > 0) depth--;
    else if (depth === 0 && !/\s/.test(c)) return i;
  }
  return value.length;
}

/** How many fields have each name. */
export function countFields(header: Uint8Array): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name } of fieldsOf(header)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
