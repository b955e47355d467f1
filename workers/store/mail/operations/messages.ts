/**
 * New messages by APPEND (RFC 9051 §6.3.12) and Email/import (RFC 8621 §4.8), and the copy of a submitted message in
 * Sent. The original is in R2 before the row that points to it (invariant 2).
 */
import type { OperationResult } from '../../../../shared/protocol.ts';
import { chooseThread, THREAD_EMAILS_MAX, type ThreadReferences } from '../../../../shared/threads.ts';
import { type EmailContent, type MailboxState, present } from '../rows.ts';
import type { AppliedOperation } from './applied.ts';
import { failure, type OperationContext } from './context.ts';
import { newKeywords } from './store.ts';

type Append = Extract<AppliedOperation, { op: 'append' }>;
type Import = Extract<AppliedOperation, { op: 'import' }>;

/** A message to store. */
export interface NewMessage {
  sha256: string;
  keywords: string[];
  receivedAt: number;
  content: EmailContent;
}

/** Stores an email in its thread, in no mailbox yet; registers what leads to that thread. Returns its id. */
export function addEmail(context: OperationContext, message: NewMessage): number {
  const { ledger, known, loadedThreads } = context;
  const references: ThreadReferences = context.references.get(message.sha256) ?? { own: null, ancestors: [], root: null };
  const begun = (thread: number) => loadedThreads.has(thread) || ledger.beganHere(thread);
  const isFull = (thread: number) => !begun(thread) || ledger.threadSize(thread) >= THREAD_EMAILS_MAX;
  const choice = chooseThread(references, known, isFull);
  const { sha256, keywords, receivedAt, content } = message;
  const id = ledger.create({ sha256, keywords, receivedAt, thread: choice.thread }, content);
  for (const hash of choice.register) {
    known.set(hash, choice.thread ?? id);
    ledger.references.push({ hash, thread: choice.thread ?? id });
  }
  return id;
}

export function append(context: OperationContext, operation: Append): OperationResult {
  const mailbox = context.ledger.mailbox(operation.mailbox);
  const message = readMessage(context, operation);
  if (!mailbox) return failure('notFound', 'mailbox');
  if ('ok' in message) return message;
  const id = addEmail(context, message);
  const uid = context.ledger.place(id, mailbox.id, operation.deleted ?? false);
  if (mailbox.role === 'sent') replaceOurCopy(context, mailbox, operation.sha256, id);
  return { ok: true, id, uids: [[0, uid]] };
}

/** `uids` pairs each mailbox with the uid there. */
export function importEmail(context: OperationContext, operation: Import): OperationResult {
  const mailboxes = [...new Set(operation.mailboxes)];
  const message = readMessage(context, operation);
  if (mailboxes.length === 0 || !mailboxes.every((id) => context.ledger.mailbox(id))) return failure('notFound', 'mailbox');
  if ('ok' in message) return message;
  const id = addEmail(context, message);
  return { ok: true, id, uids: mailboxes.map((mailbox) => [mailbox, context.ledger.place(id, mailbox)]) };
}

function readMessage(context: OperationContext, operation: Append | Import): NewMessage | OperationResult {
  const { sha256, index, receivedAt } = operation;
  const { octets, quota } = context.ledger.account;
  const keywords = newKeywords(operation.keywords);
  if (!keywords) return failure('invalid', 'keywords');
  if (!context.blobs.has(sha256)) return failure('blobNotFound');
  if (quota !== null && octets + context.ledger.octetsAdded() - context.ledger.octetsFreed() + index.size > quota)
    return failure('overQuota');
  return { sha256, keywords, receivedAt, content: { index, source: null, verdicts: null } };
}

/** A client that submits and then appends its own copy ends with one message: its own. */
function replaceOurCopy(context: OperationContext, sent: MailboxState, sha256: string, id: number): void {
  const own = context.references.get(sha256)?.own ?? null;
  if (own === null) return;
  const copy = context.sent.get(own);
  const ours = copy?.ours ? context.ledger.email(copy.email) : undefined;
  if (ours) {
    for (const { mailbox, uid } of present(ours)) if (mailbox === sent.id) context.ledger.expunge(ours, mailbox, uid);
  }
  context.ledger.sentCopies.push({ hash: own, email: id, ours: false });
}
