/**
 * What an Email/set update may change (RFC 8621 §4.6): `keywords` and `mailboxIds`, whole or one by one.
 * Other properties may only be repeated as they are; they are handed back for the caller to compare.
 */
import { isKeyword } from '../../flags.ts';
import type { Json, SetError } from '../errors.ts';
import { invalidProperties, ShapeError } from '../errors.ts';
import { decodeId } from '../ids.ts';
import { patchEntries } from '../patch.ts';
import { realId } from '../set.ts';
import { countError, mailboxIdsReader, readKeywords } from './creation.ts';

/** Additions and removals, or the whole set. */
export interface SetPatch<T> {
  add: T[];
  remove: T[];
  replace?: T[];
}

export interface EmailPatch {
  keywords: SetPatch<string> | null;
  mailboxes: SetPatch<number> | null;
  /** Properties that cannot change, with the value given. */
  rest: Json;
}

/** Reads a PatchObject for an email. */
export function readEmailPatch(patch: Json, createdIds: ReadonlyMap<string, string>): EmailPatch | SetError {
  const entries = patchEntries(patch);
  if (!Array.isArray(entries)) return entries;
  // Without a prototype, because a client may name a property __proto__.
  const result: EmailPatch = { keywords: null, mailboxes: null, rest: Object.create(null) };
  const wrong = new Set<string>();
  for (const { path, value } of entries) {
    const [property = '', key, ...deeper] = path;
    try {
      if (deeper.length > 0) return { type: 'invalidPatch', description: `${path.join('/')} points at nothing` };
      if (property === 'keywords') result.keywords = patchKeywords(result.keywords, key, value);
      else if (property === 'mailboxIds') result.mailboxes = patchMailboxes(result.mailboxes, key, value, createdIds);
      else if (key === undefined) result.rest[property] = value;
      else return { type: 'invalidPatch', description: `${path.join('/')} points into what is no object of settable values` };
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      wrong.add(property);
    }
  }
  if (wrong.size > 0) return invalidProperties([...wrong]);
  return tooMany(result) ?? result;
}

function tooMany({ keywords, mailboxes }: EmailPatch): SetError | null {
  return countError(keywords?.replace ?? keywords?.add ?? [], mailboxes?.replace ?? mailboxes?.add ?? []);
}

function patchKeywords(before: SetPatch<string> | null, key: string | undefined, value: unknown): SetPatch<string> {
  const patch = before ?? { add: [], remove: [] };
  if (key === undefined) return { ...patch, replace: value === null ? [] : readKeywords(value, 'keywords') };
  const keyword = key.toLowerCase();
  // No email has what is no keyword, so it can be taken away (RFC 8620 §5.3).
  if (!isKeyword(keyword) && value === null) return patch;
  if (!isKeyword(keyword)) throw new ShapeError('keywords', 'must be keywords');
  return changed(patch, keyword, value, 'keywords');
}

function patchMailboxes(
  before: SetPatch<number> | null,
  key: string | undefined,
  value: unknown,
  createdIds: ReadonlyMap<string, string>,
): SetPatch<number> {
  const patch = before ?? { add: [], remove: [] };
  if (key === undefined) return { ...patch, replace: mailboxIdsReader(createdIds)(value, 'mailboxIds') };
  const id = decodeId('Mailbox', realId(key, createdIds));
  // An email is in no mailbox that is not there, so it can be taken out of it.
  if (id === null && value === null) return patch;
  if (id === null) throw new ShapeError('mailboxIds', 'must name mailboxes that are there');
  return changed(patch, id, value, 'mailboxIds');
}

function changed<T>(patch: SetPatch<T>, item: T, value: unknown, path: string): SetPatch<T> {
  if (value === true) return { ...patch, add: [...patch.add, item] };
  if (value === null) return { ...patch, remove: [...patch.remove, item] };
  throw new ShapeError(path, 'must be true or null');
}
