/**
 * STORE as the edge's operations (RFC 9051 §6.4.6). With UNCHANGEDSINCE (RFC 7162 §3.1.3) a message that the mirror already
 * knows to be newer is held back here; the edge holds back those that are newer without our knowing it.
 */
import { isKeyword, KEYWORDS_PER_EMAIL_MAX, keywordOfFlag } from '../../shared/flags.ts';
import { OPERATION_ITEMS_MAX, type Operation } from '../../shared/protocol.ts';
import { Refusal, type StoreRequest } from '../imap/session.ts';
import type { LiveMailbox } from './live-mailbox.ts';

export interface FlagWrites {
  operations: Operation[];
  /** Uids held back already. */
  modified: number[];
}

/** What a STORE asks of the edge; uids that are gone are left out. */
export function flagWrites(live: LiveMailbox, request: StoreRequest): FlagWrites {
  const { unchangedSince } = request;
  const present = request.uids.filter((uid) => live.has(uid));
  const newer = new Set(unchangedSince === undefined ? [] : present.filter((uid) => live.modseq(uid) > unchangedSince));
  const uids = present.filter((uid) => !newer.has(uid));
  const change = { ...keywordChange(request), ...deletedChange(request), ...(unchangedSince !== undefined && { unchangedSince }) };
  return { modified: [...newer], operations: slices(uids).map((some) => ({ op: 'store', mailbox: live.id, uids: some, ...change })) };
}

function keywordChange({ mode, flags }: StoreRequest): { add?: string[]; remove?: string[]; replace?: string[] } {
  const keywords = keywordsOf(flags);
  return keywords.length > 0 || mode === 'replace' ? { [mode]: keywords } : {};
}

/** Replacing sets or clears `\Deleted`; adding and removing touch it when it is named. */
function deletedChange({ mode, flags }: StoreRequest): { deleted?: boolean } {
  const named = flags.some((flag) => flag.toLowerCase() === '\\deleted');
  if (mode === 'replace') return { deleted: named };
  return named ? { deleted: mode === 'add' } : {};
}

/** The keywords among flags, in the edge's form. Throws `Refusal` for what can be none. */
export function keywordsOf(flags: readonly string[]): string[] {
  const keywords = [...new Set(flags.map(keywordOfFlag).filter((keyword) => keyword !== null))].sort();
  if (keywords.length > KEYWORDS_PER_EMAIL_MAX) throw new Refusal('LIMIT', `At most ${KEYWORDS_PER_EMAIL_MAX} keywords`);
  if (!keywords.every(isKeyword)) throw new Refusal('CANNOT', 'Not a keyword');
  return keywords;
}

/** In pieces the edge takes. */
export function slices(items: number[]): number[][] {
  const pieces: number[][] = [];
  for (let at = 0; at < items.length; at += OPERATION_ITEMS_MAX) pieces.push(items.slice(at, at + OPERATION_ITEMS_MAX));
  return pieces;
}
