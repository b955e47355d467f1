/**
 * Content-Type, Content-Disposition and their parameters (RFC 2045 §5.1, RFC 2183), and what RFC 2231
 * makes of parameters: continuations, charset and language. Tolerant as RFC 7103 §7 asks: values
 * without the quotes they need, `;` doubled or missing a value, comments. Byte strings in and out.
 */
import { decodeGuessed, decodeText } from './charset.ts';
import { octetsOf, trimOctets } from './octets.ts';
import { decodeWords } from './words.ts';

export interface Structured {
  /** What stands before the first `;`, comments and white space removed, as written. */
  value: string;
  /** Names in lower case, values unquoted and undecoded, in order. */
  parameters: [string, string][];
}

/** Parameters beyond this are abuse: each travels in every BODYSTRUCTURE. */
export const PARAMETERS_MAX = 100;
/** RFC 2231 sections of one parameter that are joined. */
const SECTIONS_MAX = 100;

/** A structured field value, unfolded: `text/plain; charset=utf-8`. Never fails: what is not understood is left out. */
export function parseStructured(field: string): Structured {
  const [first = '', ...rest] = splitAtSemicolons(field);
  const parameters: [string, string][] = [];
  for (const piece of rest) {
    if (parameters.length >= PARAMETERS_MAX) break;
    const equals = piece.indexOf('=');
    const name = trimOctets(piece.slice(0, equals)).toLowerCase();
    if (equals > 0 && name !== '' && !/[\s"]/.test(name)) parameters.push([name, unquote(piece.slice(equals + 1))]);
  }
  return { value: unquote(first), parameters };
}

/**
 * The decoded value of a parameter: RFC 2231 forms first, then RFC 2047 words in a plain one (which
 * that RFC forbids and everybody sends), then raw 8-bit. Undefined when it is not there.
 */
export function decodeParameter(parameters: readonly [string, string][], name: string): string | undefined {
  return extendedValue(parameters, name) ?? plainValue(parameters, name);
}

/** The value as octets in a byte string, continuations joined and percent octets undone, charset not applied. */
export function rawParameter(parameters: readonly [string, string][], name: string): string | undefined {
  return joinSections(parameters, name)?.octets ?? parameters.find(([key]) => key === name)?.[1];
}

/** The name a part is saved under: Content-Disposition `filename`, else Content-Type `name`. */
export function fileName(part: { parameters: [string, string][]; disposition?: { parameters: [string, string][] } }): string | undefined {
  return decodeParameter(part.disposition?.parameters ?? [], 'filename') ?? decodeParameter(part.parameters, 'name');
}

function plainValue(parameters: readonly [string, string][], name: string): string | undefined {
  const value = parameters.find(([key]) => key === name)?.[1];
  return value === undefined ? undefined : decodeWords(value);
}

function extendedValue(parameters: readonly [string, string][], name: string): string | undefined {
  const joined = joinSections(parameters, name);
  if (!joined) return undefined;
  if (joined.charset === null) return decodeWords(joined.octets);
  const octets = octetsOf(joined.octets);
  return joined.charset === '' ? decodeGuessed(octets) : decodeText(octets, joined.charset);
}

/** `name*0*=utf-8''…; name*1=…` or `name*=utf-8''…`; charset null when no section carries one. */
function joinSections(parameters: readonly [string, string][], name: string): { charset: string | null; octets: string } | null {
  const sections = new Map<string, string>(parameters.filter(([key]) => key.startsWith(`${name}*`)));
  if (sections.size === 0) return null;
  const single = sections.get(`${name}*`);
  if (single !== undefined) return extended(single);
  let joined: { charset: string | null; octets: string } | null = null;
  for (let n = 0; n < SECTIONS_MAX; n++) {
    const encoded = sections.get(`${name}*${n}*`);
    const plain = sections.get(`${name}*${n}`);
    if (encoded === undefined && plain === undefined) break;
    if (joined) joined.octets += encoded === undefined ? (plain ?? '') : unpercent(encoded);
    else joined = encoded === undefined ? { charset: null, octets: plain ?? '' } : extended(encoded);
  }
  return joined;
}

/**
 * Parameters with their continuations joined and nothing decoded: `name*0*=utf-8''a; name*1=b` is `name*=utf-8''ab`, `name*0=a; name*1=b` is
 * `name=ab`. A section that is not encoded becomes so beside one that is, because the name speaks of the whole value.
 */
export function joinContinuations(parameters: readonly [string, string][]): [string, string][] {
  if (!parameters.some(([name]) => /\*0\*?$/.test(name))) return [...parameters];
  const values = new Map(parameters);
  const done = new Set<string>();
  const joined: [string, string][] = [];
  for (const [name, value] of parameters) {
    if (done.has(name)) continue;
    const base = /^(.+)\*0\*?$/.exec(name)?.[1];
    const sections = base === undefined ? [] : sectionNames(values, base);
    for (const section of sections) done.add(section);
    joined.push(base === undefined ? [name, value] : joinedParameter(base, sections, values));
  }
  // A section may stand before the first one.
  return joined.filter(([name]) => !done.has(name));
}

function sectionNames(values: ReadonlyMap<string, string>, base: string): string[] {
  const names: string[] = [];
  for (let n = 0; n < SECTIONS_MAX; n++) {
    const name = [`${base}*${n}*`, `${base}*${n}`].find((each) => values.has(each));
    if (name === undefined) break;
    names.push(name);
  }
  return names;
}

function joinedParameter(base: string, sections: string[], values: ReadonlyMap<string, string>): [string, string] {
  const isEncoded = (name: string) => name.endsWith('*');
  const octetsAt = (name: string) => values.get(name) ?? '';
  if (!sections.some(isEncoded)) return [base, sections.map(octetsAt).join('')];
  const language = isEncoded(sections[0] ?? '') ? '' : "''";
  return [`${base}*`, language + sections.map((name) => (isEncoded(name) ? octetsAt(name) : percent(octetsAt(name)))).join('')];
}

/** What is no `attribute-char` (RFC 2231 §7), encoded. */
function percent(text: string): string {
  return text.replace(/[^\w!#$&+.^`{|}~-]/g, (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

function extended(value: string): { charset: string; octets: string } {
  const [, charset = '', text = value] = /^([^']*)'[^']*'(.*)$/s.exec(value) ?? [];
  return { charset, octets: unpercent(text) };
}

function unpercent(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Cuts at `;` outside quoted strings and comments; comments are dropped. One pass. */
function splitAtSemicolons(field: string): string[] {
  const pieces: string[] = [];
  let piece = '';
  let quoted = false;
  let depth = 0;
  for (let at = 0; at < field.length; at++) {
    const char = field.charAt(at);
    if (char === '\\' && (quoted || depth > 0)) {
      if (depth === 0) piece += char + field.charAt(at + 1);
      at++;
    } else if (depth > 0) depth += char === '(' ? 1 : char === ')' ? -1 : 0;
    else if (char === '"') {
      quoted = !quoted;
      piece += char;
    } else if (quoted) piece += char;
    else if (char === '(' && /^$|[ \t\r\n\v\f]$/.test(piece.slice(-1))) depth = 1;
    else if (char === ';') {
      pieces.push(piece);
      piece = '';
    } else piece += char;
  }
  pieces.push(piece);
  return pieces;
}

function unquote(text: string): string {
  const value = trimOctets(text);
  if (!value.startsWith('"')) return value;
  const [, inner = ''] = /^"((?:[^"\\]|\\.)*)/s.exec(value) ?? [];
  return inner.replace(/\\(.)/gs, '$1');
}
