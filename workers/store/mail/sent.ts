/**
 * Our copy of a submitted message in Sent. When a client has just put its own there by APPEND, ours is not made; when the
 * client's comes afterwards it replaces ours (operations/messages.ts).
 */
import type { MessageIndex } from '../../../shared/mime/index-types.ts';
import { threadReferences } from '../../../shared/threads.ts';
import type { Env } from '../../env.ts';
import { makeChange } from './apply.ts';
import type { OperationContext } from './operations/context.ts';
import { addEmail } from './operations/messages.ts';
import type { Account } from './types.ts';

export interface SentCopy {
  sha256: string;
  index: MessageIndex;
  receivedAt: number;
}

/** The email in Sent: ours, or with `made: false` the client's own. The original is in R2 already. */
export async function addSent(env: Env, account: Account, copy: SentCopy): Promise<{ email: number; made: boolean }> {
  const messages = new Map([[copy.sha256, await threadReferences(copy.index)]]);
  const reads = { emails: [], places: [], whole: [], messages, blobs: new Set([copy.sha256]) };
  const made = await makeChange(env, account, reads, (context) => placeSent(context, copy));
  return 'result' in made ? made.result : { email: 0, made: false };
}

function placeSent(context: OperationContext, { sha256, index, receivedAt }: SentCopy): { email: number; made: boolean } {
  const { ledger } = context;
  const own = context.references.get(sha256)?.own ?? null;
  const copy = own === null ? undefined : context.sent.get(own);
  if (copy && ledger.visibleEmail(copy.email)) return { email: copy.email, made: false };
  const mailbox = ledger.mailboxWithRole('sent') ?? ledger.mailboxWithRole('inbox');
  if (!mailbox) throw new Error('the account has neither Sent nor Inbox');
  const email = addEmail(context, { sha256, keywords: ['$seen'], receivedAt, content: { index, source: null, verdicts: null } });
  ledger.place(email, mailbox.id);
  if (own !== null) ledger.sentCopies.push({ hash: own, email, ours: true });
  return { email, made: true };
}
