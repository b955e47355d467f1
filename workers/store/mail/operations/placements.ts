/**
 * Operations on places: COPY, MOVE, EXPUNGE (RFC 9051 §6.4, RFC 6851) and what JMAP's
 * `mailboxIds` and destroy make of them (RFC 8621 §4.6). A uid that is gone meanwhile is left out, as IMAP wants it.
 */
import type { OperationResult } from '../../../../shared/protocol.ts';
import type { Ledger } from '../ledger.ts';
import { type EmailState, memberships, present } from '../rows.ts';
import type { AppliedOperation } from './applied.ts';
import { failure, type OperationContext } from './context.ts';

type Named<Op extends AppliedOperation['op']> = Extract<AppliedOperation, { op: Op }>;

/** Flags, `\Deleted` among them, and internal date go along (RFC 9051 §6.4.7). */
export function copy({ ledger }: OperationContext, { mailbox, uids, to }: Named<'copy'>): OperationResult {
  if (!ledger.mailbox(mailbox) || !ledger.mailbox(to)) return failure('notFound', 'mailbox');
  const pairs: [number, number][] = [];
  for (const uid of uids) {
    const email = ledger.at(mailbox, uid);
    if (email) pairs.push([uid, ledger.place(email.id, to, isDeleted(email, mailbox, uid))]);
  }
  return { ok: true, uids: pairs };
}

export function move(context: OperationContext, { mailbox, uids, to }: Named<'move'>): OperationResult {
  const copied = copy(context, { op: 'copy', mailbox, uids: [...new Set(uids)], to });
  if (!copied.ok) return copied;
  for (const [uid] of copied.uids ?? []) {
    const email = context.ledger.at(mailbox, uid);
    if (email) context.ledger.expunge(email, mailbox, uid);
  }
  return copied;
}

/** Only what is `\Deleted` goes (RFC 9051 §6.4.9): somebody may have cleared the flag since the client looked. */
export function expunge({ ledger }: OperationContext, { mailbox, uids }: Named<'expunge'>): OperationResult {
  if (!ledger.mailbox(mailbox)) return failure('notFound', 'mailbox');
  for (const uid of uids) {
    const email = ledger.at(mailbox, uid);
    if (email && isDeleted(email, mailbox, uid)) ledger.expunge(email, mailbox, uid);
  }
  return { ok: true };
}

/** Puts an email into these mailboxes and no others; a `\Deleted` placement there is taken back. */
export function setMemberships(ledger: Ledger, email: EmailState, next: ReadonlySet<number>): void {
  const now = new Set(memberships(email));
  for (const mailbox of next) {
    if (now.has(mailbox)) continue;
    const marked = present(email).find((place) => place.mailbox === mailbox && place.deleted);
    if (marked) ledger.setDeleted(email, mailbox, marked.uid, false);
    else ledger.place(email.id, mailbox);
  }
  for (const { mailbox, uid, deleted } of present(email)) {
    if (!next.has(mailbox) && !deleted) ledger.expunge(email, mailbox, uid);
  }
}

/** JMAP's destroy: the email goes from everywhere. */
export function destroyEmails({ ledger }: OperationContext, { emails }: Named<'destroyEmails'>): OperationResult {
  const missing: number[] = [];
  for (const id of emails) {
    const email = ledger.visibleEmail(id);
    if (email) expungeAll(ledger, email);
    else missing.push(id);
  }
  return { ok: true, ...(missing.length > 0 ? { modified: missing } : {}) };
}

function expungeAll(ledger: Ledger, email: EmailState): void {
  for (const { mailbox, uid } of present(email)) ledger.expunge(email, mailbox, uid);
}

function isDeleted(email: EmailState, mailbox: number, uid: number): boolean {
  return present(email).some((place) => place.mailbox === mailbox && place.uid === uid && place.deleted);
}
