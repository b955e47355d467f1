/**
 * One attempt at one submission: recipients on our own domains are delivered here and now, all others go to the
 * relay in one call. Recipients that have it already, or are refused, are not tried again.
 */
import type { Env } from '../env.ts';
import { openDirectory } from '../store/directory/index.ts';
import type { Account, MailStore, SubmissionRow } from '../store/mail/types.ts';
import { openLeaving } from './leaving.ts';
import { deliverLocally } from './local.ts';
import { sendThroughRelay } from './relay.ts';

export interface RecipientOutcome {
  recipient: string;
  reply: string;
}

export interface Outcome {
  sent: RecipientOutcome[];
  refused: RecipientOutcome[];
  later: RecipientOutcome[];
}

/** Tries every recipient whose `deliveryStatus` is still `queued`. */
export async function attempt(env: Env, store: MailStore, sender: Account, row: SubmissionRow): Promise<Outcome> {
  const outcome: Outcome = { sent: [], refused: [], later: [] };
  const open = row.rcptTo.filter((recipient) => row.deliveryStatus[recipient]?.delivered === 'queued');
  const envelope = { mailFrom: row.mailFrom, rcptTo: open };
  const message = await openLeaving(store, row.sha256, { id: `${sender.id}-${row.id}`, at: row.sendAt, envelope });
  if (!message) {
    for (const recipient of open) outcome.refused.push({ recipient, reply: '554 5.3.0 the original of this message is missing' });
    return outcome;
  }
  const directory = openDirectory(env);
  const resolved = await directory.resolve(open);
  const foreign = open.filter((recipient) => (resolved.get(recipient)?.status ?? 'foreign') === 'foreign');
  for (const recipient of open) {
    const target = resolved.get(recipient);
    if (target?.status === 'unknown') outcome.refused.push({ recipient, reply: '550 5.1.1 no such address here' });
    if (target?.status === 'deliverable') outcome.sent.push({ recipient, reply: await deliverLocally(env, message, target.account) });
  }
  if (foreign.length > 0) {
    const verdict = await sendThroughRelay({ ...message, envelope: { ...envelope, rcptTo: foreign } }, await directory.relay(), env);
    for (const recipient of foreign) outcome[verdict.status].push({ recipient, reply: verdict.reply });
  }
  return outcome;
}
