/**
 * Applies operations to an account: read a snapshot, work the change out, write one batch, tell the hub. Costs one
 * batch to read (two when messages are added), one to write; statements do not grow with the messages.
 */
import type { OperationResult } from '../../../shared/protocol.ts';
import { type ThreadReferences, threadReferences } from '../../../shared/threads.ts';
import type { Env } from '../../env.ts';
import { withAttempts } from './attempts.ts';
import { batchNamed, mailDatabase, rowsOf } from './database.ts';
import { tellHub } from './hub.ts';
import { idOf, keyOf } from './keys.ts';
import { type Change, Ledger } from './ledger.ts';
import {
  accountsOf,
  emailsOf,
  loadCandidateThreads,
  mailboxesOf,
  NoSuchAccount,
  type ReferenceRow,
  readAccounts,
  readMailboxes,
  readReferences,
  readThreadsIn,
  readThreadsOf,
} from './load.ts';
import { metadataSizesOf, readMetadataSizes } from './metadata.ts';
import type { AppliedOperation } from './operations/applied.ts';
import type { OperationContext, RecentCopy } from './operations/context.ts';
import { operate } from './operations/index.ts';
import { type AccountState, type EmailState, STATE_COLUMNS } from './rows.ts';
import { readSentCopies, type SentCopyRow } from './sent-copies.ts';
import { type States, statesOf } from './states.ts';
import { type Account, StateMismatch, type StateType } from './types.ts';
import { changeStatements } from './write.ts';

/** Placements one change can remove with their mailbox; a larger one is emptied first, round by round. */
const MAILBOX_PLACEMENTS_MAX = 1000;

/** What a change does to its ledger. */
export type Work<Result> = (context: OperationContext) => Result;

/** What a change has to read, and what it writes beside the ledger. */
export interface Reads {
  emails: number[];
  places: [number, number][];
  /** Mailboxes that go with their mail. */
  whole: number[];
  /** An annotation is set. */
  metadata?: boolean;
  /** Messages to be added: digest → identifiers. */
  messages: ReadonlyMap<string, ThreadReferences>;
  /** Digests of the originals that are in R2; may still be on their way there while everything else is read. */
  blobs: ReadonlySet<string> | Promise<ReadonlySet<string>>;
  ifInState?: { type: StateType; state: string };
  /** A statement read in the same snapshot; when `before` makes something of it, that is the answer and nothing is written. */
  log?: { read: D1PreparedStatement; write: (result: unknown) => D1PreparedStatement };
  /** Statements that read, in the batch that writes, how everything stands after it. */
  after?: (change: Change) => D1PreparedStatement[];
  /** Is told the states that the change began from and those it led to. */
  moved?: (before: States, after: States) => unknown;
}

/** What came of a change: its result, or what the log already had of it. `after`: what `Reads.after` read; null when nothing was written. */
export type Made<Result> = { result: Result; after: D1Result[] | null } | { known: Record<string, unknown> };

/** Runs one change of one account. `known` is what the log had of it, if it was made before. */
export async function makeChange<Result>(env: Env, account: Account, reads: Reads, work: Work<Result>): Promise<Made<Result>> {
  const db = mailDatabase(env, account.shard);
  const { made, state } = await withAttempts(async (): Promise<{ made: Made<Result>; state?: AccountState }> => {
    const { context, before, logged } = await readContext(db, account.id, reads);
    if (logged) return { made: { known: logged } };
    const result = work(context);
    const change = context.ledger.close();
    reads.moved?.(statesOf(before), statesOf(change?.account ?? before));
    if (!change) return { made: { result, after: null } };
    const log = reads.log ? [reads.log.write(result)] : [];
    const writes = [...changeStatements(db, [change]), ...log];
    const results = await db.batch([...writes, ...(reads.after?.(change) ?? [])]);
    return { made: { result, after: results.slice(writes.length) }, state: change.account };
  });
  if (state) tellHub(env, state);
  return made;
}

async function readContext(
  db: D1Database,
  account: number,
  reads: Reads,
): Promise<{ context: OperationContext; before: AccountState; logged?: Record<string, unknown> }> {
  const hashes = [...new Set([...reads.messages.values()].flatMap(({ own, ancestors, root }) => [own, root, ...ancestors]))].filter(
    (hash) => hash !== null,
  );
  const pairs = hashes.map((hash): [number, number] => [account, hash]);
  const owns = [...reads.messages.values()].map(({ own }) => own).filter((own) => own !== null);
  const now = Date.now();
  const [found, blobs] = await Promise.all([
    batchNamed(db, {
      accounts: readAccounts(db, [account]),
      mailboxes: readMailboxes(db, [account]),
      emails: reads.emails.length + reads.places.length > 0 ? readThreadsOf(db, account, reads.emails, reads.places) : null,
      inMailboxes: reads.whole.length > 0 ? readThreadsIn(db, account, reads.whole, MAILBOX_PLACEMENTS_MAX) : null,
      references: pairs.length > 0 ? readReferences(db, pairs) : null,
      copies: owns.length > 0 ? readSentCopies(db, account, owns, now) : null,
      metadata: reads.metadata ? readMetadataSizes(db, account) : null,
      log: reads.log?.read ?? null,
    }),
    reads.blobs,
  ]);
  const state = accountsOf(found.accounts).get(account);
  if (!state) throw new NoSuchAccount(`account ${account} has no mail here`);
  checkState(state, reads.ifInState);
  const byHash = new Map(rowsOf<ReferenceRow>(found.references).map(({ hash, thread }) => [hash, thread]));
  const copyRows = rowsOf<SentCopyRow>(found.copies);
  const messages = [...reads.messages.values()].map((references) => ({ account, references }));
  const candidates = await loadCandidateThreads(db, messages, (_account, hash) => byHash.get(hash));
  const copied = await readCopied(db, account, copyRows);
  const loaded = [
    ...list(emailsOf(found.emails), account),
    ...list(emailsOf(found.inMailboxes), account),
    ...list(candidates.emails, account),
    ...copied,
  ];
  const ledger = new Ledger({ account: state, mailboxes: list(mailboxesOf(found.mailboxes), account), emails: unique(loaded) }, now);
  const context: OperationContext = {
    ledger,
    blobs,
    references: reads.messages,
    known: new Map([...byHash].map(([hash, thread]) => [hash, idOf(thread)])),
    loadedThreads: new Set([...candidates.threads].map(idOf)),
    sent: new Map(copyRows.map(({ hash, email, ours }): [number, RecentCopy] => [hash, { email, ours: ours === 1 }])),
    metadata: metadataSizesOf(found.metadata),
  };
  return { context, before: state, logged: rowsOf<Record<string, unknown>>(found.log)[0] };
}

/** The emails of recent copies in Sent, which an APPEND may replace. */
async function readCopied(db: D1Database, account: number, copies: SentCopyRow[]): Promise<EmailState[]> {
  if (copies.length === 0) return [];
  const result = await readThreadsOf(
    db,
    account,
    copies.map(({ email }) => email),
    [],
  ).run();
  return list(emailsOf(result), account);
}

function list<Item>(groups: ReadonlyMap<number, Item[]>, account: number): Item[] {
  return groups.get(account) ?? [];
}

function unique(emails: EmailState[]): Iterable<EmailState> {
  return new Map(emails.map((email) => [email.id, email])).values();
}

function checkState(account: AccountState, expected: { type: StateType; state: string } | undefined): void {
  if (expected && String(account[STATE_COLUMNS[expected.type]]) !== expected.state)
    throw new StateMismatch(`${expected.type} is at another state`);
}

/** What the operations need to be read. Identifiers of messages are hashed here. */
export async function readsOf(operations: readonly AppliedOperation[], blobs: Reads['blobs']): Promise<Reads> {
  const messages = new Map<string, ThreadReferences>();
  const reads: Reads = { emails: [], places: [], whole: [], messages, blobs };
  for (const operation of operations) {
    if ('emails' in operation) reads.emails.push(...operation.emails);
    if ('changes' in operation) reads.emails.push(...operation.changes.map(({ email }) => email));
    if ('uids' in operation) reads.places.push(...operation.uids.map((uid): [number, number] => [operation.mailbox, uid]));
    if (operation.op === 'setMetadata') reads.metadata = true;
    if (operation.op === 'destroyMailbox') reads.whole.push(operation.mailbox);
    if ('index' in operation) messages.set(operation.sha256, await threadReferences(operation.index));
  }
  return reads;
}

/** Applies operations in order; each is whole or fails alone, or all together when `atomic`. `blobs`: digests known to be in R2. */
export async function applyOperations(
  env: Env,
  account: Account,
  operations: readonly AppliedOperation[],
  blobs: Reads['blobs'],
  { atomic = false, ...options }: Pick<Reads, 'ifInState' | 'log' | 'after' | 'moved'> & { atomic?: boolean } = {},
): Promise<Made<OperationResult[]>> {
  if (!atomic) await emptyLargeMailboxes(env, account, operations);
  const reads = { ...(await readsOf(operations, blobs)), ...options };
  return makeChange(env, account, reads, (context) => operateAll(context, operations, atomic));
}

function operateAll(context: OperationContext, operations: readonly AppliedOperation[], atomic: boolean): OperationResult[] {
  const results = operations.map((operation) => operate(context, operation));
  const refused = atomic ? results.find(({ ok }) => !ok) : undefined;
  if (!refused) return results;
  context.ledger.abandon();
  return results.map(() => refused);
}

/** Rounds one request may spend on emptying mailboxes: five queries or more each, of 50. */
const EMPTYING_ROUNDS_MAX = 3;

/** A mailbox with more than one batch can remove is emptied beforehand; what is left after the rounds answers `tooLarge`. */
async function emptyLargeMailboxes(env: Env, account: Account, operations: readonly AppliedOperation[]): Promise<void> {
  for (const operation of operations) {
    if (operation.op !== 'destroyMailbox' || !operation.expungeEmails) continue;
    const { mailbox } = operation;
    const reads = { ...(await readsOf([], new Set())), whole: [mailbox] };
    const key = keyOf(account.id, mailbox);
    const db = mailDatabase(env, account.shard);
    for (let round = 0; round < EMPTYING_ROUNDS_MAX; round++) {
      const row = await db
        .prepare('SELECT messages, role FROM mailbox WHERE key = ?1')
        .bind(key)
        .first<{ messages: number; role: string | null }>();
      if (!row || row.messages <= MAILBOX_PLACEMENTS_MAX || row.role === 'inbox') break;
      await makeChange(env, account, reads, ({ ledger }) => ledger.empty(mailbox));
    }
  }
}
