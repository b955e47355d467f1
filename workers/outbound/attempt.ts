/**
 * One attempt at one submission: recipients on our own domains are delivered here and now, all others go to the
 * relay. Recipients that have it already, or are refused, are not tried again; one that fails holds up no other.
 */
import type { Env } from '../env.ts';
import { openDirectory } from '../store/directory/index.ts';
import type { Recipient } from '../store/directory/types.ts';
import type { SubmissionRow } from '../store/mail/submission-rows.ts';
import type { Account, MailStore } from '../store/mail/types.ts';
import { type LeavingMessage, openLeaving } from './leaving.ts';
import { deliverLocally, LOCAL_ACCOUNTS_MAX } from './local.ts';
import { describe, type RelayVerdict, sendThroughRelay } from './relay.ts';

/** What became of one recipient, in the words of EmailSubmission/deliveryStatus; `queued` is to be tried again. */
export interface RecipientOutcome {
  recipient: string;
  reply: string;
  delivered: SubmissionRow['deliveryStatus'][string]['delivered'];
}

const OF_VERDICT: Record<RelayVerdict['status'], RecipientOutcome['delivered']> = { sent: 'unknown', refused: 'no', later: 'queued' };

/**
 * Tries every recipient whose `deliveryStatus` is still `queued`. Those without an outcome were not reached within what
 * one attempt may cost. Two directory queries, and what delivery and relay cost. Throws only when the directory is away.
 */
export async function attempt(env: Env, store: MailStore, sender: Account, row: SubmissionRow): Promise<RecipientOutcome[]> {
  const open = row.rcptTo.filter((recipient) => row.deliveryStatus[recipient]?.delivered === 'queued');
  const envelope = { mailFrom: row.mailFrom, rcptTo: open };
  const all = (delivered: RecipientOutcome['delivered'], reply: string) =>
    open.map((recipient): RecipientOutcome => ({ recipient, delivered, reply }));
  let message: LeavingMessage | null;
  try {
    message = await openLeaving(store, row.sha256, { id: `${sender.id}-${row.id}`, at: row.sendAt, envelope });
  } catch (error) {
    return all('queued', `451 4.3.0 the original cannot be read now: ${describe(error)}`);
  }
  if (!message) return all('no', '554 5.3.0 the original of this message is missing');
  const directory = openDirectory(env);
  const resolved = await directory.resolve(open);
  const local = await attemptLocal(env, message, resolved);
  const foreign = open.filter((recipient) => (resolved.get(recipient)?.status ?? 'foreign') === 'foreign');
  if (foreign.length === 0) return local;
  const relayed = await sendThroughRelay({ ...message, envelope: { ...envelope, rcptTo: foreign } }, await directory.relay(), env);
  const outcomes = [...relayed].map(([recipient, { status, reply }]) => ({ recipient, reply, delivered: OF_VERDICT[status] }));
  return [...local, ...outcomes];
}

async function attemptLocal(env: Env, message: LeavingMessage, resolved: ReadonlyMap<string, Recipient>): Promise<RecipientOutcome[]> {
  const outcomes: RecipientOutcome[] = [];
  const wanted: { recipient: string; account: Account }[] = [];
  for (const [recipient, target] of resolved) {
    if (target.status === 'unknown') outcomes.push({ recipient, delivered: 'no', reply: '550 5.1.1 no such address here' });
    if (target.status === 'deliverable') wanted.push({ recipient, account: target.account });
  }
  const groups = [...Map.groupBy(wanted, ({ account }) => account.id).values()].slice(0, LOCAL_ACCOUNTS_MAX);
  const targets = groups.flatMap((group) => {
    const [first] = group;
    return first ? [{ account: first.account, rcptTo: group.map(({ recipient }) => recipient) }] : [];
  });
  if (targets.length === 0) return outcomes;
  const reached = new Set(targets.map(({ account }) => account.id));
  let stored = new Set<number>();
  let reply = '451 4.2.0 the mailbox is busy';
  try {
    stored = await deliverLocally(env, message, targets);
  } catch (error) {
    reply = `451 4.2.0 it cannot be stored now: ${describe(error)}`;
  }
  for (const { recipient, account } of wanted.filter(({ account: { id } }) => reached.has(id))) {
    const isStored = stored.has(account.id);
    outcomes.push({ recipient, delivered: isStored ? 'yes' : 'queued', reply: isStored ? '250 2.1.5 delivered here' : reply });
  }
  return outcomes;
}
