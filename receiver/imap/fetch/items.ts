/**
 * What FETCH may ask for (RFC 9051 §6.4.5, RFC 3501 §6.4.5, RFC 8474 §5, RFC 8514, RFC 8970, RFC 7162), read into values. What
 * is asked twice is answered once; order is kept, because some clients read by position.
 */
import { type Arguments, Malformed } from '../wire/arguments.ts';
import { readSection, type Section, sectionLabel, WHOLE } from './section.ts';

/** Items of one FETCH: each may be a read of the original. */
const ITEMS_MAX = 128;

export interface Partial {
  offset: number;
  count: number;
}
/** An item whose text is known without the original. */
export type PlainItem =
  | 'UID'
  | 'FLAGS'
  | 'INTERNALDATE'
  | 'RFC822.SIZE'
  | 'ENVELOPE'
  | 'BODY'
  | 'BODYSTRUCTURE'
  | 'EMAILID'
  | 'THREADID'
  | 'SAVEDATE'
  | 'PREVIEW'
  | 'MODSEQ';
/** `label` is what stands before the content in the answer. */
export interface BodyItem {
  kind: 'body' | 'binary' | 'binarySize';
  section: Section;
  partial: Partial | null;
  label: string;
  /** Sets `\Seen`. */
  marksSeen: boolean;
}
export type FetchItem = PlainItem | BodyItem;

const MACROS: Record<string, PlainItem[]> = {
  ALL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE'],
  FAST: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'],
  FULL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'BODY'],
};
const PLAIN = new Set<string>([
  'UID',
  'FLAGS',
  'INTERNALDATE',
  'RFC822.SIZE',
  'ENVELOPE',
  'BODYSTRUCTURE',
  'EMAILID',
  'THREADID',
  'SAVEDATE',
  'PREVIEW',
  'MODSEQ',
]);
/** RFC 3501 §6.4.5: names of before there were sections. */
const OLD: Record<string, BodyItem> = {
  RFC822: { kind: 'body', section: WHOLE, partial: null, label: 'RFC822', marksSeen: true },
  'RFC822.HEADER': { kind: 'body', section: { ...WHOLE, text: 'HEADER' }, partial: null, label: 'RFC822.HEADER', marksSeen: false },
  'RFC822.TEXT': { kind: 'body', section: { ...WHOLE, text: 'TEXT' }, partial: null, label: 'RFC822.TEXT', marksSeen: true },
};

/** Reads one item, a macro, or a list of items. */
export function readItems(args: Arguments): FetchItem[] {
  const items = args.peek() === '(' ? args.list(() => readItem(args)) : readMacroOrItem(args);
  if (items.length === 0) throw new Malformed('Nothing to fetch');
  if (items.length > ITEMS_MAX) throw new Malformed('Too many items to fetch');
  return withoutDoubles(items);
}

function readMacroOrItem(args: Arguments): FetchItem[] {
  const macro = args.peekWord();
  if (!Object.hasOwn(MACROS, macro)) return [readItem(args)];
  args.atom();
  return [...(MACROS[macro] ?? [])];
}

function readItem(args: Arguments): FetchItem {
  const name = readName(args);
  if (name === 'PREVIEW') skipPreviewModifiers(args);
  if (PLAIN.has(name)) return name as PlainItem;
  const old = Object.hasOwn(OLD, name) ? OLD[name] : undefined;
  if (old) return old;
  if (name === 'BODY') return args.peek() === '[' ? readBody(args, true) : 'BODY';
  if (name === 'BODY.PEEK') return readBody(args, false);
  if (name === 'BINARY' || name === 'BINARY.PEEK') return readBinary(args, name === 'BINARY');
  if (name === 'BINARY.SIZE') return readBinarySize(args);
  throw new Malformed('Unknown FETCH item');
}

/** An atom that stops at `[`, which belongs to the section. */
function readName(args: Arguments): string {
  return args.itemName().toUpperCase();
}

function readBody(args: Arguments, marksSeen: boolean): BodyItem {
  const section = readSection(args);
  const partial = readPartial(args);
  return { kind: 'body', section, partial, label: `BODY${sectionLabel(section)}${origin(partial)}`, marksSeen };
}

function readBinary(args: Arguments, marksSeen: boolean): BodyItem {
  const section = readBinarySection(args);
  const partial = readPartial(args);
  return { kind: 'binary', section, partial, label: `BINARY${sectionLabel(section)}${origin(partial)}`, marksSeen };
}

function readBinarySize(args: Arguments): BodyItem {
  const section = readBinarySection(args);
  return { kind: 'binarySize', section, partial: null, label: `BINARY.SIZE${sectionLabel(section)}`, marksSeen: false };
}

function readBinarySection(args: Arguments): Section {
  const section = readSection(args);
  if (section.text !== '') throw new Malformed('BINARY takes a part number only');
  return section;
}

/** `<offset.count>`. */
function readPartial(args: Arguments): Partial | null {
  if (!args.skip('<')) return null;
  const offset = args.number();
  args.char('.');
  const count = args.number();
  args.char('>');
  if (count === 0) throw new Malformed('A partial fetch of nothing');
  return { offset, count };
}

function origin(partial: Partial | null): string {
  return partial ? `<${partial.offset}>` : '';
}

/** `PREVIEW (LAZY)` (RFC 8970 §3.1): ours are always at hand. */
function skipPreviewModifiers(args: Arguments): void {
  args.skipText(' (LAZY)');
}

function withoutDoubles(items: FetchItem[]): FetchItem[] {
  const seen = new Set<string>();
  return items.filter((item) => {
    const key = typeof item === 'string' ? item : `${item.label} ${item.partial?.count ?? ''}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
