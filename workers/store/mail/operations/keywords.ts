/**
 * Keyword changes by IMAP STORE (RFC 9051 §6.4.6, UNCHANGEDSINCE RFC 7162 §3.1.3). Keywords belong to the email, whatever
 * mailbox they were set through. JMAP's updates are in emails.ts.
 */
import { isKeyword, KEYWORDS_PER_EMAIL_MAX } from '../../../../shared/flags.ts';
import type { OperationResult } from '../../../../shared/protocol.ts';
import type { AppliedOperation } from '../types.ts';
import { failure, type OperationContext } from './context.ts';

type Keywords = Extract<AppliedOperation, { op: 'keywords' }>;

interface KeywordChange {
  email: number;
  add: string[];
  remove: string[];
  replace?: string[];
}

/** The bridge's form: one change for many emails; those that are gone are left out without a word. */
export function changeKeywords(context: OperationContext, operation: Keywords): OperationResult {
  const { unchangedSince = Number.POSITIVE_INFINITY, add = [], remove = [], replace } = operation;
  const { ledger } = context;
  const present = operation.emails.filter((id) => ledger.email(id));
  const modified = present.filter((id) => (ledger.email(id)?.keywordsModseq ?? 0) > unchangedSince);
  const held = new Set(modified);
  const changes = present.filter((id) => !held.has(id)).map((email) => ({ email, add, remove, replace }));
  return applyChanges(context, changes) ?? { ok: true, ...(modified.length > 0 ? { modified } : {}) };
}

/** Null when all are applied; nothing is when one cannot be. */
function applyChanges({ ledger }: OperationContext, changes: KeywordChange[]): OperationResult | null {
  const results: [number, Set<string>][] = [];
  for (const { email, add, remove, replace } of changes) {
    const given = [...add, ...remove, ...(replace ?? [])];
    if (!given.every(isKeyword)) return failure('invalid', 'not a keyword');
    const next = new Set(lower(replace ?? ledger.email(email)?.keywords ?? []));
    for (const keyword of lower(add)) next.add(keyword);
    for (const keyword of lower(remove)) next.delete(keyword);
    if (next.size > KEYWORDS_PER_EMAIL_MAX) return failure('tooLarge', `more than ${KEYWORDS_PER_EMAIL_MAX} keywords`);
    results.push([email, next]);
  }
  for (const [id, keywords] of results) {
    const email = ledger.email(id);
    if (email) ledger.setKeywords(email, keywords);
  }
  return null;
}

/** Keywords for a new email in the kept form; null when one is none, or there are too many. */
export function newKeywords(keywords: readonly string[]): string[] | null {
  const set = new Set(lower(keywords));
  return keywords.every(isKeyword) && set.size <= KEYWORDS_PER_EMAIL_MAX ? [...set].sort() : null;
}

function lower(keywords: readonly string[]): string[] {
  return keywords.map((keyword) => keyword.toLowerCase());
}
