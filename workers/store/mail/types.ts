/**
 * What the doors ask of an account's mail. `openMail(env, account)` gives a `MailStore`; ingest, JMAP,
 * the bridge and the outbox all go through it, and nothing else holds SQL (DESIGN.md, invariant 1).
 * Ids are the account's own small integers; a door adds its prefixes. Times are epoch milliseconds.
 */

import type { IdentityFacts } from '../../../shared/jmap/identity.ts';
import type { Vacation } from '../../../shared/jmap/vacation.ts';
import type { MessageIndex, Part } from '../../../shared/mime/index-types.ts';
import type { ChangesPage, CommitAnswer, CommitRequest, OperationResult, Verdicts } from '../../../shared/protocol.ts';
import type { AppliedOperation } from './operations/applied.ts';
import type { EmailQuery, EmailQueryResult, QueryChanges } from './query/email-query.ts';
import type { WordHits, WordScope } from './query/words.ts';
import type {
  NewSubmissionRow,
  SubmissionChange,
  SubmissionList,
  SubmissionListChanges,
  SubmissionQuery,
  SubmissionRow,
} from './submission-rows.ts';

/** The account as the directory knows it. */
export interface Account {
  /** Positive, below 2^20, so that `account * 2^32 + id` is a safe integer. */
  id: number;
  /** Index of the MAIL database. */
  shard: number;
  /** Its first address, in the directory's form. */
  address: string;
  /** Display name, may be empty. */
  name: string;
  /** Octets; null for no limit. */
  quota: number | null;
  /** IMAP capabilities switched off for it, upper case; absent when there are none. */
  imapWithout?: string[];
  /** Who acts for it, when a person's program is calling. */
  login?: Login;
}

/** What a client leaves with us for later is tied to what it logged in with (RFC 8620 §7.2). */
export type Login =
  /** A password or app password, used itself or through a token made from it: it lasts until it is revoked. */
  | { credential: number }
  /** A session of the webmail: the digest of its token, and when it ends at the latest, in epoch milliseconds. */
  | { session: string; ends: number };

/** The JMAP types that have a state of their own (DESIGN.md, invariant 4). */
export type StateType =
  | 'Mailbox'
  | 'Email'
  | 'Thread'
  | 'EmailDelivery'
  | 'Identity'
  | 'EmailSubmission'
  | 'VacationResponse'
  | 'PushSubscription'
  | 'Quota';

export interface MailboxRow {
  id: number;
  parent: number | null;
  name: string;
  role: string | null;
  sortOrder: number;
  subscribed: boolean;
  uidvalidity: number;
  uidnext: number;
  highestModseq: number;
  /** Modseq of anything but counts; and of anything. */
  propertiesModseq: number;
  modseq: number;
  /** IMAP: placements, `\Deleted` ones too. */
  messages: number;
  unseen: number;
  /** JMAP: distinct, without `\Deleted` placements (RFC 8621 §2). */
  emails: number;
  unread: number;
  threads: number;
  unreadThreads: number;
}

/** An email with its whole index row and its live JMAP memberships. */
export interface EmailRow {
  id: number;
  sha256: string;
  thread: number;
  size: number;
  receivedAt: number;
  sentAt: number | null;
  keywords: string[];
  mailboxes: number[];
  headers: string;
  headersComplete: boolean;
  structure: Part;
  preview: string;
  subject: string;
  hasAttachment: boolean;
  modseq: number;
}

/** RFC 8620 §5.2. Ids are ours; `updated` excludes what `created` and `destroyed` name. */
export interface TypeChanges {
  created: number[];
  updated: number[];
  destroyed: number[];
  /** Mailbox only: nothing but counts changed. */
  countsOnly?: boolean;
  /** Mailbox only: those of `updated` of which more than counts changed. */
  beyondCounts?: number[];
  newState: string;
  hasMore: boolean;
}

/** One message to be delivered to this account. */
export interface Delivery {
  spool: string;
  sha256: string;
  index: MessageIndex;
  receivedAt: number;
  verdicts: Verdicts | null;
  /** Where it goes: by role, `inbox` unless a filter said otherwise. */
  role: 'inbox' | 'junk';
  keywords: string[];
}

/** Whether the account's quota came, went or changed since a state; `onlyUsed`: nothing but its use. */
export interface QuotaChanges {
  change: 'created' | 'updated' | 'destroyed' | 'none';
  onlyUsed: boolean;
  newState: string;
}

/** As JMAP has them; the id of an identity is ours. */
export type IdentityRow = IdentityFacts;
export type VacationRow = Vacation;

/** What is to be done with identities; what is left out of a new one is empty. */
export interface IdentityChange {
  create?: Partial<Omit<IdentityRow, 'id'>>[];
  update?: IdentityRow[];
  destroy?: number[];
}

/** Thrown when `ifInState` names another state (RFC 8620 §5.3). */
export class StateMismatch extends Error {}

/** One account's mail. Every method says what it costs in its implementation's docstring. */
export interface MailStore {
  readonly account: Account;

  // -- reading
  /** State strings (the decimal modseq) of the types, and the account's modseq. One query. */
  states(): Promise<Record<StateType, string> & { modseq: number }>;
  /** Octets and emails kept, and the quota in octets (null: none). One query. */
  usage(): Promise<{ octets: number; messages: number; quota: number | null }>;
  mailboxes(): Promise<MailboxRow[]>;
  mailboxChanges(since: string, max: number): Promise<TypeChanges | null>;
  /** In the order asked; ids that are not this account's, or have no live membership, are left out. */
  emails(ids: number[]): Promise<EmailRow[]>;
  /** Null: cannot calculate (older than the horizon, or no state of ours). */
  emailChanges(since: string, max: number): Promise<TypeChanges | null>;
  /** Thread → its emails by receivedAt, then id. Threads without emails are left out. */
  threads(ids: number[]): Promise<Map<number, number[]>>;
  /** The first `max` threads that have emails. */
  threadIds(max: number): Promise<number[]>;
  threadChanges(since: string, max: number): Promise<TypeChanges | null>;
  query(query: EmailQuery): Promise<EmailQueryResult>;
  /** Emails that have the words of a text in a row, by full text, page by page; `after` is '' or the last page's `next`. */
  searchWords(scope: WordScope, text: string, after: string): Promise<WordHits>;
  /** Null: cannot calculate. `upTo` is the last email the client knows of; its window is ignored. */
  queryChanges(query: EmailQuery, since: string, upTo: number | null): Promise<QueryChanges | null>;

  // -- writing (each one batch: guards, modseq, rows, counters; then the hub is told)
  /**
   * One result per operation, in order. `ifInState` guards the type named; `put`: digests whose originals this request has put or
   * read; `moved` is told the states before and after, so that nobody has to ask for them.
   */
  apply(
    operations: AppliedOperation[],
    options?: {
      ifInState?: { type: StateType; state: string };
      put?: ReadonlySet<string>;
      moved?: (before: Record<StateType, string>, after: Record<StateType, string>) => unknown;
    },
  ): Promise<OperationResult[]>;

  /**
   * The copy of a submitted message in Sent (its original is put). `made: false`: a client's APPEND of the same Message-ID
   * came first, within ten minutes, and `email` is that.
   */
  addSent(copy: { sha256: string; index: MessageIndex; receivedAt: number }): Promise<{ email: number; made: boolean }>;

  // -- submissions and identities
  identities(): Promise<IdentityRow[]>;
  /** One batch; answers the ids of those made, and of those that were there to be changed. Throws `StateMismatch`. */
  changeIdentities(change: IdentityChange, ifInState?: string | null): Promise<{ created: number[]; changed: ReadonlySet<number> }>;
  identityChanges(since: string, max: number): Promise<TypeChanges | null>;
  submissions(ids: number[] | null): Promise<SubmissionRow[]>;
  submissionChanges(since: string, max: number): Promise<TypeChanges | null>;
  /** Null: the anchor is not in the results. */
  querySubmissions(query: SubmissionQuery): Promise<EmailQueryResult>;
  /** Null: cannot calculate. */
  submissionListChanges(list: SubmissionList, since: string, calculateTotal: boolean): Promise<SubmissionListChanges | null>;
  /** Creates the row once per `key`; the id of the first one when it exists. */
  addSubmission(key: string, submission: NewSubmissionRow): Promise<number>;
  updateSubmission(
    id: number,
    change: SubmissionChange,
    /** Does nothing, and answers false, when `undoStatus` is another by now. */
    onlyIf?: SubmissionRow['undoStatus'],
  ): Promise<boolean>;
  /** Takes the record away from JMAP; what it still has to deliver it delivers. False when there is none. */
  destroySubmission(id: number): Promise<boolean>;
  vacation(): Promise<VacationRow>;
  /** Changes the given fields. */
  setVacation(change: Partial<VacationRow>): Promise<void>;
  /** The one email with this Message-ID; null when none or several have it. */
  emailByMessageId(messageId: string): Promise<number | null>;
  /** RFC 9425 §4.2, of the one quota there may be; null: cannot calculate. */
  quotaChanges(since: string): Promise<QuotaChanges | null>;

  // -- originals
  /** Puts the bytes unless they are there; R2 checks the digest. False: digest mismatch. */
  putBlob(sha256: string, body: ReadableStream | Uint8Array, size: number, facts?: Record<string, string>): Promise<boolean>;
  /** Null when this account has no such blob. `range` in octets. */
  getBlob(sha256: string, range?: { offset: number; length: number }): Promise<{ body: ReadableStream; size: number } | null>;

  // -- the bridge
  changes(cursor: string, limit: number): Promise<ChangesPage>;
  /** `put`: digests whose originals this very request has put. */
  commit(request: CommitRequest, put?: ReadonlySet<string> | Promise<ReadonlySet<string>>): Promise<CommitAnswer>;
}
