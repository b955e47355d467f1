/**
 * What a Mailbox/set asks for, checked against the mailboxes as they are (RFC 8621 §2, §2.5): names of
 * siblings differ, a role is held once, parents form no loop. The store checks again, in its batch.
 */
import { ROLES } from '../../roles.ts';
import { MAILBOX_DEPTH_MAX, MAILBOX_NAME_MAX } from '../capabilities.ts';
import { isSameJson } from '../equal.ts';
import type { Json, SetError } from '../errors.ts';
import { invalidProperties, ShapeError } from '../errors.ts';
import { decodeId } from '../ids.ts';
import type { Reader } from '../readers.ts';
import { nullable, optional, own, readBoolean, readId, readString, readUnsignedInt } from '../readers.ts';
import { realId } from '../set.ts';
import { readSettable, type Settable } from '../settable.ts';
import type { MailboxFacts } from './properties.ts';
import { mailboxObject } from './properties.ts';

/** The settable properties of a mailbox. */
export interface MailboxDraft {
  name: string;
  /** Null at the top; a creation id that is not made yet stays as `#id`. */
  parentId: string | null;
  role: string | null;
  sortOrder: number;
  isSubscribed: boolean;
}

/** RFC 8621 §2: `sortOrder` is below 2^31. */
const SORT_ORDER_MAX = 2 ** 31 - 1;

/** Net-Unicode (RFC 5198) without the slash, IMAP's hierarchy delimiter. */
const readName: Reader<string> = (value, path) => {
  const name = readString(value, path).normalize('NFC');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if (name.trim() === '' || /[\u0000-\u001f\u007f-\u009f\u2028\u2029/]/.test(name))
    throw new ShapeError(path, 'must be a name without control characters or /');
  if (new TextEncoder().encode(name).length > MAILBOX_NAME_MAX) throw new ShapeError(path, `must be at most ${MAILBOX_NAME_MAX} octets`);
  return name;
};

const readRole: Reader<string> = (value, path) => {
  const role = readString(value, path);
  const known: readonly string[] = ROLES;
  if (!known.includes(role)) throw new ShapeError(path, 'must be a role of the registry');
  return role;
};

const readSortOrder: Reader<number> = (value, path) => {
  const order = readUnsignedInt(value, path);
  if (order > SORT_ORDER_MAX) throw new ShapeError(path, 'must be below 2^31');
  return order;
};

const SETTABLE: Settable<MailboxDraft> = {
  name: readName,
  parentId: nullable(readId),
  role: nullable(readRole),
  sortOrder: optional(readSortOrder, 0),
  isSubscribed: optional(readBoolean, true),
};

/** Reads a creation; server-set properties may only be left out. */
export function readMailboxCreation(record: Json): MailboxDraft | SetError {
  return readSettable(SETTABLE, record, (name) => !Object.hasOwn(SETTABLE, name));
}

/** Reads a mailbox after its patch; server-set properties may only stand as they were. */
export function readMailboxUpdate(patched: Json, before: MailboxFacts): MailboxDraft | SetError {
  const current = mailboxObject(before);
  return readSettable(SETTABLE, patched, (name) => !Object.hasOwn(SETTABLE, name) && !isSameJson(patched[name], own(current, name)));
}

/** The parent's integer id; undefined when it names nothing yet. */
export function resolveParent(parentId: string | null, createdIds: ReadonlyMap<string, string>): number | null | undefined {
  if (parentId === null) return null;
  return decodeId('Mailbox', realId(parentId, createdIds)) ?? undefined;
}

/**
 * Why a draft cannot stand among `rows`; null when it can. `before`: the mailbox being changed, as it was; it may stand
 * in `rows` changed already, with others that change together.
 */
export function mailboxConflict(
  draft: MailboxDraft,
  parent: number | null,
  rows: readonly MailboxFacts[],
  before: MailboxFacts | null,
): SetError | null {
  const self = before?.id ?? null;
  const others = rows.filter((row) => row.id !== self);
  const chain = ancestors(parent, rows);
  if (chain === null || (self !== null && chain.includes(self))) return invalidProperties(['parentId'], 'no such parent, or a loop');
  if (chain.length + height(self, rows) > MAILBOX_DEPTH_MAX) return invalidProperties(['parentId'], `at most ${MAILBOX_DEPTH_MAX} levels`);
  const isInboxName = parent === null && draft.name.toLowerCase() === 'inbox' && others.some((row) => row.role === 'inbox');
  if (isInboxName || others.some((row) => row.parent === parent && row.name === draft.name))
    return invalidProperties(['name'], 'a sibling has this name');
  if (draft.role !== null && others.some((row) => row.role === draft.role))
    return invalidProperties(['role'], 'another mailbox has this role');
  return before?.role === 'inbox' && (draft.role !== 'inbox' || draft.name !== before.name || parent !== before.parent)
    ? { type: 'forbidden', description: 'the inbox keeps its name, place and role' }
    : null;
}

/** The chain from `id` up to the top; null when it leads nowhere or round. */
function ancestors(id: number | null, rows: readonly MailboxFacts[]): number[] | null {
  const parents = new Map(rows.map((row) => [row.id, row.parent]));
  const chain: number[] = [];
  for (let at = id; at !== null; at = parents.get(at) ?? null) {
    if (!parents.has(at) || chain.includes(at)) return null;
    chain.push(at);
  }
  return chain;
}

/** Levels of the tree that hangs on `id`, itself included; 1 for a new one. */
function height(id: number | null, rows: readonly MailboxFacts[]): number {
  let levels = 1;
  for (let level = rows.filter((row) => row.parent === id && id !== null); level.length > 0 && levels <= rows.length; levels++) {
    const parents = new Set(level.map((row) => row.id));
    level = rows.filter((row) => row.parent !== null && parents.has(row.parent));
  }
  return levels;
}
