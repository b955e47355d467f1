/**
 * Body sections (RFC 9051 §6.4.5.1): `[1.2.HEADER.FIELDS (To)]` read into a value, written back as the answer's label,
 * and found in a message: as a range of the original or, where the index knows it, as text.
 */
import { isKeptField } from '../../../shared/mime/headers.ts';
import { sectionRange } from '../../../shared/mime/structure.ts';
import { eachField, FieldNames } from '../headerlines.ts';
import type { Message } from '../session.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';
import { astring } from '../wire/encoder.ts';

/** Levels of a part number; the index holds 100. */
const LEVELS_MAX = 100;
/** Names in one HEADER.FIELDS list. */
const FIELDS_MAX = 256;
const LF = 0x0a;

export interface Section {
  /** `[1, 2]` for part 1.2; empty for the message itself. */
  part: number[];
  text: '' | 'HEADER' | 'HEADER.FIELDS' | 'HEADER.FIELDS.NOT' | 'TEXT' | 'MIME';
  /** As asked. */
  fields: string[];
}
export const WHOLE: Section = { part: [], text: '', fields: [] };

/** Where a section's octets are: in the original, known already, or nowhere (NIL). */
export type Source =
  | { kind: 'range'; offset: number; length: number; fields?: (block: string) => string }
  | { kind: 'text'; text: string }
  | null;

const RANGE_KIND = {
  '': 'body',
  HEADER: 'header',
  'HEADER.FIELDS': 'header',
  'HEADER.FIELDS.NOT': 'header',
  TEXT: 'text',
  MIME: 'mime',
} as const;

export function readSection(args: Arguments): Section {
  args.char('[', 'Expected a section');
  const part = readPart(args);
  const text = args.peek() === ']' ? '' : readText(args);
  if (text === 'MIME' && part.length === 0) throw new Malformed('MIME needs a part number');
  const fields = text.startsWith('HEADER.FIELDS') ? readFields(args) : [];
  args.char(']', 'Section is not closed');
  return { part, text, fields };
}

function readPart(args: Arguments): number[] {
  const part: number[] = [];
  while (/^\d$/.test(args.peek())) {
    const number = args.number();
    if (number === 0 || part.length >= LEVELS_MAX) throw new Malformed('Invalid part number');
    part.push(number);
    if (!args.skip('.')) {
      if (args.peek() !== ']') throw new Malformed('Invalid section');
      break;
    }
    if (args.peek() === ']') throw new Malformed('Invalid section');
  }
  return part;
}

function readText(args: Arguments): Section['text'] {
  const name = args.itemName().toUpperCase();
  if (name !== '' && Object.hasOwn(RANGE_KIND, name)) return name as Section['text'];
  throw new Malformed('Unknown section');
}

function readFields(args: Arguments): string[] {
  args.space();
  const fields = args.list(() => args.astring());
  if (fields.length === 0 || fields.length > FIELDS_MAX) throw new Malformed('Invalid header list');
  return fields;
}

/** `[1.2.HEADER.FIELDS (TO CC)]`. */
export function sectionLabel({ part, text, fields }: Section): string {
  const name = [...part, ...(text === '' ? [] : [text])].join('.');
  const list = fields.length > 0 ? ` (${fields.map((field) => astring(field.toUpperCase())).join(' ')})` : '';
  return `[${name}${list}]`;
}

/** Finds a section in a message. */
export function locate(message: Message, section: Section): Source {
  if (section.part.length === 0 && section.text === '') return { kind: 'range', offset: 0, length: message.size };
  if (!section.text.startsWith('HEADER.FIELDS')) return rangeOf(message, section);
  const filter = (block: string) => filterFields(block, section);
  if (isKnown(message, section)) return { kind: 'text', text: filter(message.headers) };
  const source = rangeOf(message, section);
  return source && { ...source, fields: filter };
}

/** The index keeps every field that is asked for. */
function isKnown(message: Message, section: Section): boolean {
  return section.part.length === 0 && section.text === 'HEADER.FIELDS' && wantedOf(section).kept && message.headersComplete;
}

function rangeOf(message: Message, section: Section): { kind: 'range'; offset: number; length: number } | null {
  const range = sectionRange(message.structure, section.part, RANGE_KIND[section.text]);
  return range && { kind: 'range', ...range };
}

/** The lines of the fields wanted (or of the others), verbatim, and the empty line. Neighbours are taken together. */
export function filterFields(block: string, section: Section): string {
  const { names } = wantedOf(section);
  const only = section.text === 'HEADER.FIELDS';
  let lines = '';
  let from = 0;
  let to = 0;
  eachField(block, (start, nameEnd, end) => {
    if (names.has(block, start, nameEnd) !== only) return;
    if (start !== to) {
      lines += block.slice(from, to);
      from = start;
    }
    to = end;
  });
  lines += block.slice(from, to);
  return to === 0 || block.charCodeAt(to - 1) === LF ? `${lines}\r\n` : `${lines}\r\n\r\n`;
}

/** The names asked for, and whether the index keeps all of them. */
interface Wanted {
  names: FieldNames;
  kept: boolean;
}
/** Made once per command. */
const WANTED = new WeakMap<Section, Wanted>();

function wantedOf(section: Section): Wanted {
  const known = WANTED.get(section);
  if (known) return known;
  const kept = section.fields.every((field) => isKeptField(field.toLowerCase()));
  const wanted = { names: new FieldNames(section.fields), kept };
  WANTED.set(section, wanted);
  return wanted;
}
