/**
 * Delivery (invariant 3): messages for many accounts of one shard in one batch, each once per account and spool
 * id, over quota too, because 250 was said. Costs two or three reads and one batch, whatever the number of messages.
 */
import { type ThreadReferences, threadReferences } from '../../../shared/threads.ts';
import type { Env } from '../../env.ts';
import { withAttempts } from './attempts.ts';
import { mailDatabase, rowsOf } from './database.ts';
import { tellHub } from './hub.ts';
import { idOf } from './keys.ts';
import { type Change, Ledger } from './ledger.ts';
import { accountsOf, loadCandidateThreads, mailboxesOf, type ReferenceRow, readAccounts, readMailboxes, readReferences } from './load.ts';
import { addEmail } from './operations/messages.ts';
import { newKeywords } from './operations/store.ts';
import type { AccountState, MailboxState } from './rows.ts';
import type { Account, Delivery } from './types.ts';
import { changeStatements } from './write.ts';

export interface AddressedDelivery {
  account: Account;
  delivery: Delivery;
}
/** `retry`: the account has no mailboxes here (yet), or stayed busy. */
export type DeliveryStatus = 'stored' | 'duplicate' | 'retry';

/**
 * Stores deliveries whose originals are in R2; one status each, in order. Accounts that have set a vacation reply are added
 * to `answering`, since their rows are read here anyway. Throws `Busy` or `CondemnedOriginal` when nothing
 * of a shard could be stored: deliver again later.
 */
export async function deliver(
  env: Env,
  deliveries: readonly AddressedDelivery[],
  answering: Set<number> = new Set(),
): Promise<DeliveryStatus[]> {
  const statuses: DeliveryStatus[] = deliveries.map(() => 'retry');
  const shards = Map.groupBy(deliveries.keys(), (index) => deliveries[index]?.account.shard ?? 0);
  for (const [shard, indexes] of shards) {
    const items = indexes.map((index) => deliveries[index]).filter((item) => item !== undefined);
    const db = mailDatabase(env, shard);
    const { changes, answers } = await withAttempts(() => deliverToShard(db, items, answering));
    answers.forEach((answer, position) => {
      statuses[indexes[position] ?? -1] = answer;
    });
    for (const { account } of changes) tellHub(env, account);
  }
  return statuses;
}

interface ShardSnapshot {
  accounts: Map<number, AccountState>;
  mailboxes: Map<number, MailboxState[]>;
  received: Set<string>;
  known: Map<string, number>;
}

async function deliverToShard(
  db: D1Database,
  items: AddressedDelivery[],
  answering: Set<number>,
): Promise<{ changes: Change[]; answers: DeliveryStatus[] }> {
  const references = await Promise.all(items.map(({ delivery }) => threadReferences(delivery.index)));
  const snapshot = await readShard(db, items, references);
  const messages = items.map(({ account }, index) => ({ account: account.id, references: references[index] ?? NO_REFERENCES }));
  const candidates = await loadCandidateThreads(db, messages, (account, hash) => snapshot.known.get(`${account}:${hash}`));
  const answers: DeliveryStatus[] = items.map(() => 'retry');
  const changes: Change[] = [];
  for (const [account, indexes] of Map.groupBy(items.keys(), (index) => items[index]?.account.id ?? 0)) {
    const state = snapshot.accounts.get(account);
    if (!state) continue;
    if (state.vacation === 1) answering.add(account);
    const ledger = new Ledger(
      { account: state, mailboxes: snapshot.mailboxes.get(account) ?? [], emails: candidates.emails.get(account) ?? [] },
      Date.now(),
    );
    const context = {
      ledger,
      blobs: new Set<string>(),
      references: new Map(indexes.map((index) => [items[index]?.delivery.sha256 ?? '', references[index] ?? NO_REFERENCES])),
      known: knownOf(snapshot.known, account),
      loadedThreads: new Set([...candidates.threads].map(idOf)),
      sent: new Map(),
      metadata: new Map(),
    };
    for (const index of indexes) {
      const delivery = items[index]?.delivery;
      if (delivery) answers[index] = store(context, delivery, account, snapshot.received);
    }
    const change = ledger.close();
    if (change) changes.push(change);
  }
  if (changes.length > 0) await db.batch(changeStatements(db, changes));
  return { changes, answers };
}

const NO_REFERENCES: ThreadReferences = { own: null, ancestors: [], root: null };

function store(context: Parameters<typeof addEmail>[0], delivery: Delivery, account: number, received: Set<string>): DeliveryStatus {
  const { spool, sha256, index, receivedAt, verdicts, role } = delivery;
  const { ledger } = context;
  if (received.has(`${account}:${spool}`)) return 'duplicate';
  const mailbox = ledger.mailboxWithRole(role) ?? ledger.mailboxWithRole('inbox');
  if (!mailbox) return 'retry';
  received.add(`${account}:${spool}`);
  const keywords = newKeywords(delivery.keywords) ?? [];
  const id = addEmail(context, { sha256, keywords, receivedAt, content: { index, source: spool, verdicts } });
  ledger.place(id, mailbox.id);
  ledger.receipts.push({ spool, email: id });
  return 'stored';
}

async function readShard(db: D1Database, items: AddressedDelivery[], references: ThreadReferences[]): Promise<ShardSnapshot> {
  const ids = [...new Set(items.map(({ account }) => account.id))];
  const receipts = items.map(({ account, delivery }) => [delivery.spool, account.id]);
  const pairs = items.flatMap(({ account }, index) => {
    const { own, ancestors, root } = references[index] ?? NO_REFERENCES;
    const hashes = [own, root, ...ancestors].filter((hash) => hash !== null);
    return hashes.map((hash): [number, number] => [account.id, hash]);
  });
  const [accounts, mailboxes, received, known] = await db.batch([
    readAccounts(db, ids),
    readMailboxes(db, ids),
    db
      .prepare('SELECT spool, account FROM json_each(?1) j JOIN receipt ON spool = j.value->>0 AND account = j.value->>1')
      .bind(JSON.stringify(receipts)),
    readReferences(db, pairs),
  ]);
  return {
    accounts: accountsOf(accounts),
    mailboxes: mailboxesOf(mailboxes),
    received: new Set(rowsOf<{ spool: string; account: number }>(received).map(({ spool, account }) => `${account}:${spool}`)),
    known: new Map(rowsOf<ReferenceRow>(known).map(({ account, hash, thread }) => [`${account}:${hash}`, thread])),
  };
}

function knownOf(known: ReadonlyMap<string, number>, account: number): Map<number, number> {
  const own = new Map<number, number>();
  for (const [key, thread] of known) {
    const [of, hash] = key.split(':').map(Number);
    if (of === account && hash !== undefined) own.set(hash, idOf(thread));
  }
  return own;
}
