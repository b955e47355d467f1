/**
 * From envelope to mailbox: recipients are resolved, the original is put once for each account, then all messages of the
 * call are delivered in one batch a shard. After 250 nothing is lost: an address that vanished goes to the postmaster, and
 * what cannot be stored now is answered with `retry`, message by message.
 */
import type { ReadMessage } from '../../shared/ingest-request.ts';
import type { IngestAnswer, IngestMessage, RecipientStatus } from '../../shared/protocol.ts';
import { INGEST_PAIRS_MAX } from '../../shared/protocol.ts';
import { isDoubtful } from '../../shared/vacation.ts';
import type { ArrivalNotice, Env } from '../env.ts';
import { announceArrivals } from '../outbound/announce.ts';
import { noticeOf } from '../outbound/arrival.ts';
import { originalSize, putOriginal } from '../store/blobs.ts';
import { openDirectory } from '../store/directory/index.ts';
import type { Directory, Receiver, Recipient } from '../store/directory/types.ts';
import { type AddressedDelivery, type DeliveryStatus, deliver } from '../store/mail/index.ts';
import type { Account, Delivery } from '../store/mail/types.ts';

/** A recipient's fate: an account to deliver to, or the answer already. */
type Fate = { account: Account } | { status: RecipientStatus; reason: string };

interface Routed {
  message: IngestMessage;
  payload: Uint8Array | null;
  fates: Map<string, Fate>;
  accounts: Account[];
}

/** Stores the messages; one status per recipient. */
export async function ingest(
  env: Env,
  receiver: Receiver,
  request: { messages: ReadMessage[] },
  payloads: readonly (Uint8Array | null)[],
): Promise<IngestAnswer> {
  const resolve = await makeResolver(openDirectory(env), request);
  const sound = request.messages.flatMap((message, index) => (message.index ? [{ message, payload: payloads[index] ?? null }] : []));
  const routed = await Promise.all(
    sound.map(async ({ message, payload }): Promise<Routed> => {
      const fates = new Map<string, Fate>();
      for (const address of message.envelope.rcptTo) if (!fates.has(address)) fates.set(address, await resolve(address));
      return { message, payload, fates, accounts: accountsOf(fates) };
    }),
  );
  const bounded = withinPairs(routed);
  const originals = await Promise.all(bounded.map((entry) => putOriginals(env, receiver, entry)));
  const answering = new Set<number>();
  const statuses = await deliverAll(env, receiver, bounded, originals, answering);
  await announceArrivals(env, noticesOf(receiver, bounded, statuses, answering));
  const entries = new Map(routed.map((entry) => [entry.message as ReadMessage, entry]));
  const messages = request.messages.map((message) => {
    const entry = entries.get(message);
    const fault = message.index ? '' : message.fault;
    const answer = (address: string) => (entry ? answerOf(entry, address, statuses) : { status: 'refused' as const, reason: fault });
    return { spoolId: message.spoolId, recipients: message.envelope.rcptTo.map((address) => ({ address, ...answer(address) })) };
  });
  return { messages };
}

/** One directory query for all recipients; what has vanished is looked up a second time, as the postmaster's. */
async function makeResolver(directory: Directory, { messages }: { messages: ReadMessage[] }): Promise<(address: string) => Promise<Fate>> {
  const addresses = [...new Set(messages.flatMap(({ envelope }) => envelope.rcptTo))];
  const recipients = await directory.resolve(addresses);
  const vanished = new Map<string, Promise<Fate>>();
  return async (address) => {
    const recipient: Recipient = recipients.get(address) ?? { status: 'unknown' };
    if (recipient.status === 'deliverable') return { account: recipient.account };
    if (recipient.status === 'foreign') return { status: 'refused', reason: 'no domain of ours' };
    const fate = vanished.get(address) ?? postmaster(directory, address);
    vanished.set(address, fate);
    return fate;
  };
}

async function postmaster(directory: Directory, address: string): Promise<Fate> {
  const account = await directory.postmasterOf(address);
  return account ? { account } : { status: 'retry', reason: 'the address has vanished and its domain has no postmaster' };
}

/** Each account once, however many of its addresses were named. */
function accountsOf(fates: ReadonlyMap<string, Fate>): Account[] {
  const accounts = [...fates.values()].flatMap((fate) => ('account' in fate ? [fate.account] : []));
  return [...new Map(accounts.map((account) => [account.id, account])).values()];
}

/** What exceeds the subrequests of one call waits for the next; a receiver that splits as told never sees it. */
function withinPairs(routed: readonly Routed[]): Routed[] {
  let room = INGEST_PAIRS_MAX;
  return routed.map((entry) => {
    const accounts = entry.accounts.slice(0, room);
    room -= accounts.length;
    return { ...entry, accounts };
  });
}

/** Per account: whether its original is in R2, or why not. */
type Originals = Map<number, 'there' | { status: RecipientStatus; reason: string }>;

async function putOriginals(env: Env, receiver: Receiver, { message, payload, accounts }: Routed): Promise<Originals> {
  const facts = arrivalFacts(receiver, message);
  const entries = accounts.map(async ({ id }): Promise<[number, Originals extends Map<number, infer Fact> ? Fact : never]> => {
    try {
      return [id, payload ? await putInline(env, id, message, payload, facts) : await findPut(env, id, message)];
    } catch (error) {
      console.error(JSON.stringify({ event: 'original-put-failed', account: id, spool: message.spoolId, error: String(error) }));
      return [id, { status: 'retry', reason: 'the original could not be put' }];
    }
  });
  return new Map(await Promise.all(entries));
}

async function putInline(env: Env, account: number, message: IngestMessage, payload: Uint8Array, facts: Record<string, string>) {
  if (payload.length !== message.index.size) return { status: 'refused', reason: 'the index is of another size' } as const;
  const put = await putOriginal(env, account, message.sha256, payload, payload.length, facts);
  return put ? 'there' : ({ status: 'refused', reason: 'digest mismatch' } as const);
}

async function findPut(env: Env, account: number, message: IngestMessage) {
  const size = await originalSize(env, account, message.sha256);
  if (size === null) return { status: 'retry', reason: 'the original was not put' } as const;
  return size === message.index.size ? 'there' : ({ status: 'refused', reason: 'the index is of another size' } as const);
}

/** R2 takes 2 KB of custom metadata, in ASCII. */
function arrivalFacts(
  receiver: Receiver,
  { spoolId, envelope, receivedAt, remoteAddress, helo, verdicts }: IngestMessage,
): Record<string, string> {
  const facts = {
    receiver: String(receiver.id),
    spool: spoolId,
    received: new Date(receivedAt).toISOString(),
    from: envelope.mailFrom,
    client: remoteAddress,
    helo,
    verdicts: JSON.stringify(verdicts),
  };
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, encodeURI(value).slice(0, 400)]));
}

const KEY = (message: IngestMessage, account: number) => `${message.spoolId}/${account}`;

/** Delivers what has its original; when the shard's batch fails, each message is tried alone, so that one cannot fail the others. */
async function deliverAll(
  env: Env,
  receiver: Receiver,
  routed: readonly Routed[],
  originals: readonly Originals[],
  answering: Set<number>,
): Promise<Map<string, { status: RecipientStatus; reason?: string }>> {
  const statuses = new Map<string, { status: RecipientStatus; reason?: string }>();
  const waiting: { key: string; addressed: AddressedDelivery }[] = [];
  routed.forEach(({ message, accounts }, index) => {
    for (const account of accounts) {
      const original = originals[index]?.get(account.id);
      const key = KEY(message, account.id);
      if (original === 'there') waiting.push({ key, addressed: { account, delivery: deliveryOf(receiver, message) } });
      else statuses.set(key, original ?? { status: 'retry' });
    }
  });
  const answers = await deliverTogether(
    env,
    waiting.map(({ addressed }) => addressed),
    answering,
  );
  waiting.forEach(({ key }, index) => {
    statuses.set(key, { status: answers[index] ?? 'retry' });
  });
  return statuses;
}

async function deliverTogether(env: Env, deliveries: readonly AddressedDelivery[], answering: Set<number>): Promise<DeliveryStatus[]> {
  try {
    return deliveries.length > 0 ? await deliver(env, deliveries, answering) : [];
  } catch (error) {
    console.error(JSON.stringify({ event: 'delivery-failed', messages: deliveries.length, error: String(error) }));
    return deliveries.length > 1 ? deliverInHalves(env, deliveries, answering) : ['retry'];
  }
}

/** Halving finds the one that fails in a few batches, not in one per message (50 queries a request). */
async function deliverInHalves(env: Env, deliveries: readonly AddressedDelivery[], answering: Set<number>): Promise<DeliveryStatus[]> {
  const middle = deliveries.length >> 1;
  const first = await deliverTogether(env, deliveries.slice(0, middle), answering);
  return [...first, ...(await deliverTogether(env, deliveries.slice(middle), answering))];
}

function deliveryOf(receiver: Receiver, { spoolId, sha256, index, receivedAt, verdicts }: IngestMessage): Delivery {
  return { spool: `${spoolId}@${receiver.id}`, sha256, index, receivedAt, verdicts, role: 'inbox', keywords: [] };
}

/** What somebody should think about of what is stored now, or was before: whoever was told then may have died. */
function noticesOf(
  receiver: Receiver,
  routed: readonly Routed[],
  statuses: ReadonlyMap<string, { status: RecipientStatus }>,
  answering: ReadonlySet<number>,
): ArrivalNotice[] {
  return routed.flatMap(({ message, fates, accounts }) =>
    accounts.flatMap((account) => {
      const status = statuses.get(KEY(message, account.id))?.status;
      if (status !== 'stored' && status !== 'duplicate') return [];
      const rcptTo = [...fates].flatMap(([address, fate]) => ('account' in fate && fate.account.id === account.id ? [address] : []));
      const envelope = { mailFrom: message.envelope.mailFrom, rcptTo };
      const mayAnswer = answering.has(account.id) && !isDoubtful(message.verdicts);
      return noticeOf({ account, delivery: deliveryOf(receiver, message), envelope, mayAnswer }) ?? [];
    }),
  );
}

function answerOf(
  { message, fates }: Routed,
  address: string,
  statuses: ReadonlyMap<string, { status: RecipientStatus; reason?: string }>,
): { status: RecipientStatus; reason?: string } {
  const fate = fates.get(address);
  if (!fate) return { status: 'retry' };
  if (!('account' in fate)) return fate;
  return statuses.get(KEY(message, fate.account.id)) ?? { status: 'retry', reason: 'too many messages in one call' };
}
