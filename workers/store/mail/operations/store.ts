/**
 * IMAP's STORE (RFC 9051 §6.4.6): keywords belong to the email, whatever mailbox they are set through, `\Deleted` to the placement.
 * With UNCHANGEDSINCE a message gets all of it or, when it has changed since, nothing (RFC 7162 §3.1.3). JMAP's updates are in
 * emails.ts.
 */
import { isKeyword, KEYWORDS_PER_EMAIL_MAX } from '../../../../shared/flags.ts';
import type { OperationResult } from '../../../../shared/protocol.ts';
import { type EmailState, present } from '../rows.ts';
import type { AppliedOperation } from './applied.ts';
import { failure, type OperationContext } from './context.ts';

type Store = Extract<AppliedOperation, { op: 'store' }>;

/** Uids that are gone are left out without a word; nothing is done when one message cannot have its keywords. */
export function store({ ledger }: OperationContext, operation: Store): OperationResult {
  const { mailbox, uids, deleted, unchangedSince = Number.POSITIVE_INFINITY } = operation;
  if (!ledger.mailbox(mailbox)) return failure('notFound', 'mailbox');
  const found = uids.flatMap((uid) => {
    const email = ledger.at(mailbox, uid);
    return email ? [{ uid, email }] : [];
  });
  const modified = found.filter(({ uid, email }) => messageModseq(email, mailbox, uid) > unchangedSince).map(({ uid }) => uid);
  const held = new Set(modified);
  const concerned = found.filter(({ uid }) => !held.has(uid));
  const change = keywordChange(operation);
  const keywords = change && concerned.map(({ email }) => change(email));
  const refused = keywords?.map(keywordsFault).find((fault) => fault !== null);
  if (refused) return refused;
  concerned.forEach(({ uid, email }, index) => {
    const next = keywords?.[index];
    if (next) ledger.setKeywords(email, next);
    if (deleted !== undefined) ledger.setDeleted(email, mailbox, uid, deleted);
  });
  return { ok: true, ...(modified.length > 0 ? { modified } : {}) };
}

/** What becomes of an email's keywords; null when they stay. */
function keywordChange({ add, remove, replace }: Store): ((email: EmailState) => Set<string>) | null {
  if (!add && !remove && !replace) return null;
  const [added, removed, replaced] = [lower(add ?? []), lower(remove ?? []), replace && lower(replace)];
  return ({ keywords }) => {
    const next = new Set(replaced ?? keywords);
    for (const keyword of added) next.add(keyword);
    for (const keyword of removed) next.delete(keyword);
    return next;
  };
}

function keywordsFault(keywords: ReadonlySet<string>): OperationResult | null {
  if (keywords.size > KEYWORDS_PER_EMAIL_MAX) return failure('tooLarge', `more than ${KEYWORDS_PER_EMAIL_MAX} keywords`);
  for (const keyword of keywords) if (!isKeyword(keyword)) return failure('invalid', 'not a keyword');
  return null;
}

/** The MODSEQ a client sees of a message in a mailbox (RFC 7162 §3.1). */
function messageModseq(email: EmailState, mailbox: number, uid: number): number {
  const placement = present(email).find((place) => place.mailbox === mailbox && place.uid === uid);
  return Math.max(email.keywordsModseq, placement?.modseq ?? 0);
}

/** Keywords for a new email in the kept form; null when one is none, or there are too many. */
export function newKeywords(keywords: readonly string[]): string[] | null {
  const set = new Set(lower(keywords));
  return keywords.every(isKeyword) && set.size <= KEYWORDS_PER_EMAIL_MAX ? [...set].sort() : null;
}

function lower(keywords: readonly string[]): string[] {
  return keywords.map((keyword) => keyword.toLowerCase());
}
