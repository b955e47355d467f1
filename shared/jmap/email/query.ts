/** What Email/query may filter by (RFC 8621 §4.4.1): JSON → a condition with ids, times and keywords resolved. */
import { isKeyword } from '../../flags.ts';
import { EMAIL_SORTS } from '../capabilities.ts';
import { readUtcDate } from '../dates.ts';
import type { Json } from '../errors.ts';
import { MethodError, ShapeError } from '../errors.ts';
import { decodeId } from '../ids.ts';
import { type Comparator, type FilterTree, readFilter, readSort } from '../query.ts';
import type { Reader } from '../readers.ts';
import { arrayOf, own, readBoolean, readId, readString, readUnsignedInt } from '../readers.ts';

/** Names no mailbox: what an id that is none of ours is looked for as. */
const NO_MAILBOX = 0;
/** Characters of a search text: beyond it the index would be asked for thousands of words. */
const TEXT_MAX = 1_000;
/** Mailboxes one condition may list. */
const MAILBOXES_MAX = 500;

/** The keyed sorts: they need a keyword beside the property. */
const KEYED_SORTS = ['hasKeyword', 'allInThreadHaveKeyword', 'someInThreadHaveKeyword'] as const;

export interface EmailCondition {
  inMailbox?: number;
  inMailboxOtherThan?: number[];
  before?: number;
  after?: number;
  minSize?: number;
  maxSize?: number;
  allInThreadHaveKeyword?: string;
  someInThreadHaveKeyword?: string;
  noneInThreadHaveKeyword?: string;
  hasKeyword?: string;
  notKeyword?: string;
  hasAttachment?: boolean;
  text?: string;
  from?: string;
  to?: string;
  cc?: string;
  bcc?: string;
  subject?: string;
  body?: string;
  header?: [string] | [string, string];
}

const readMailbox: Reader<number> = (value, path) => decodeId('Mailbox', readId(value, path)) ?? NO_MAILBOX;

const readMailboxes: Reader<number[]> = (value, path) => {
  const list = arrayOf(readMailbox)(value, path);
  if (list.length > MAILBOXES_MAX) throw new MethodError('unsupportedFilter', `at most ${MAILBOXES_MAX} mailboxes`);
  return list;
};

const readKeyword: Reader<string> = (value, path) => {
  const keyword = readString(value, path).toLowerCase();
  if (!isKeyword(keyword)) throw new ShapeError(path, 'must be a keyword');
  return keyword;
};

const readText: Reader<string> = (value, path) => {
  const text = readString(value, path);
  if (text.length > TEXT_MAX) throw new MethodError('unsupportedFilter', `${path} may have ${TEXT_MAX} characters`);
  return text;
};

const readHeader: Reader<[string] | [string, string]> = (value, path) => {
  const [name, text, ...rest] = arrayOf(readText)(value, path);
  if (name === undefined || name === '' || rest.length > 0) throw new ShapeError(path, 'must be a field name and perhaps a text');
  return text === undefined ? [name] : [name, text];
};

const CONDITIONS: { [K in keyof Required<EmailCondition>]: Reader<Required<EmailCondition>[K]> } = {
  inMailbox: readMailbox,
  inMailboxOtherThan: readMailboxes,
  before: readUtcDate,
  after: readUtcDate,
  minSize: readUnsignedInt,
  maxSize: readUnsignedInt,
  allInThreadHaveKeyword: readKeyword,
  someInThreadHaveKeyword: readKeyword,
  noneInThreadHaveKeyword: readKeyword,
  hasKeyword: readKeyword,
  notKeyword: readKeyword,
  hasAttachment: readBoolean,
  text: readText,
  from: readText,
  to: readText,
  cc: readText,
  bcc: readText,
  subject: readText,
  body: readText,
  header: readHeader,
};

/** Reads one FilterCondition. */
export function readEmailCondition(condition: Json): EmailCondition {
  const read: Record<string, Reader<unknown>> = CONDITIONS;
  return Object.fromEntries(
    Object.keys(condition).map((name) => {
      const reader = Object.hasOwn(read, name) ? read[name] : undefined;
      if (!reader) throw new MethodError('unsupportedFilter', `no condition ${name.slice(0, 100)}`);
      return [name, reader(own(condition, name), name)];
    }),
  );
}

/** What Email/query and Email/queryChanges ask for, without the window. */
export function readEmailQuery(read: { filter: Json | null; sort: Json[] | null; collapseThreads: boolean }): {
  filter: FilterTree<EmailCondition> | null;
  sort: Comparator<(typeof EMAIL_SORTS)[number]>[];
  collapseThreads: boolean;
} {
  return {
    filter: readFilter(read.filter, readEmailCondition),
    sort: readSort(read.sort, EMAIL_SORTS, KEYED_SORTS),
    collapseThreads: read.collapseThreads,
  };
}

/** The texts a filter looks for, by what they are looked for in: what a search snippet marks. Those under NOT are no matches. */
export function searchTexts(filter: FilterTree<EmailCondition> | null): { subject: string[]; body: string[] } {
  const texts = { subject: [] as string[], body: [] as string[] };
  const walk = (node: FilterTree<EmailCondition>): void => {
    if ('operator' in node) {
      if (node.operator !== 'NOT') node.conditions.forEach(walk);
      return;
    }
    for (const text of [node.text, node.subject]) if (text !== undefined) texts.subject.push(text);
    for (const text of [node.text, node.body]) if (text !== undefined) texts.body.push(text);
  };
  if (filter !== null) walk(filter);
  return texts;
}
