/**
 * The contract between the receiver and the Worker, and nothing else: routes and shapes.
 * Every call with a body carries one frame (`frame.ts`). Every call is idempotent.
 */
import type { MessageIndex, Part } from './mime/index-types.ts';

/** Raised when a shape changes; the Worker answers 426 to a receiver that speaks another. */
export const PROTOCOL_VERSION = 2;

/** Messages above this go by `PUT /blob` first, so that one ingest call stays small (10 ms of CPU). */
export const INLINE_MESSAGE_MAX = 256 * 1024;
/** (message, account) pairs one ingest call may carry: 50 subrequests, most of them R2 puts. */
export const INGEST_PAIRS_MAX = 32;
/** Rows in one page of changes. */
export const CHANGES_PAGE_MAX = 500;
/** Uids one operation of a commit may name; the receiver splits larger ones. */
export const OPERATION_ITEMS_MAX = 1000;
/** Operations in one commit: each costs a few of the 50 queries a request may make. */
export const COMMIT_OPERATIONS_MAX = 32;

export const HEADER_TOKEN = 'x-posthouse-token';
export const HEADER_VERSION = 'x-posthouse-protocol';

/** Routes of the Worker that a receiver calls. `:x` marks a path parameter. */
export const ROUTES = {
  ingest: '/ingest',
  recipient: '/recipients/:address',
  scramStart: '/auth/scram/start',
  scramFinish: '/auth/scram/finish',
  token: '/auth/token',
  heads: '/bridge/heads',
  changes: '/bridge/changes',
  search: '/bridge/search',
  commit: '/bridge/commit',
  push: '/bridge/push',
  blob: '/blob/:account/:sha256',
  submit: '/submit',
} as const;

// ---------------------------------------------------------------- ingest

/** One method's result as RFC 8601 §2.7 names it. */
export type AuthResult = 'none' | 'neutral' | 'pass' | 'fail' | 'softfail' | 'policy' | 'temperror' | 'permerror';

/** What the receiver found out about a message's origin. Recorded, searchable, never re-derived. */
export interface Verdicts {
  spf: AuthResult;
  dkim: AuthResult;
  dmarc: AuthResult;
  arc: AuthResult;
  /** The organisational domain that DMARC aligned on, when it passed. */
  domain?: string;
}

export interface Envelope {
  /** MAIL FROM without angle brackets; empty for the null reverse-path. */
  mailFrom: string;
  /** RCPT TO addresses as given. */
  rcptTo: string[];
}

export interface IngestMessage {
  /** Unique for this receiver for ever: `<48-bit ms time, 12 hex>-<16 hex>`; makes delivery idempotent for 30 days. */
  spoolId: string;
  /** Octets of this message in the frame's payload; 0 when it was put by `PUT /blob` for each account. */
  inline: number;
  sha256: string;
  envelope: Envelope;
  /** Epoch milliseconds at which the receiver answered 250. */
  receivedAt: number;
  /** Arrival facts for the original's custom metadata. */
  remoteAddress: string;
  helo: string;
  verdicts: Verdicts;
  index: MessageIndex;
}
export interface IngestRequest {
  messages: IngestMessage[];
}
/** `retry`: not now (the entry stays in the spool). `refused`: never, with a reason for the log. */
export type RecipientStatus = 'stored' | 'duplicate' | 'retry' | 'refused';
export interface IngestAnswer {
  messages: { spoolId: string; recipients: { address: string; status: RecipientStatus; reason?: string }[] }[];
}

/** `GET /recipients/:address`. `foreign`: no domain of ours. */
export type RecipientAnswer = { status: 'deliverable'; account: number } | { status: 'unknown' } | { status: 'foreign' };

// ---------------------------------------------------------------- authentication

export interface ScramStartRequest {
  /** The login name: an address of the account. */
  username: string;
  /** client-first-message-bare, `n=…,r=…` (RFC 5802 §7). The Worker reads only `r` from it; the name is `username`. */
  clientFirstBare: string;
}
export interface ScramStartAnswer {
  /** Names the exchange; single use, 60 s, bound to the caller. */
  exchange: string;
  /** `r=…,s=…,i=…` */
  serverFirst: string;
}
export interface ScramFinishRequest {
  exchange: string;
  /** `c=…,r=…,p=…`; whoever terminates the client's connection has checked `c`. */
  clientFinal: string;
  /** What the browser wants instead of a token in the answer. */
  session?: 'cookie';
}
export type ScramFinishAnswer =
  | {
      status: 'ok';
      /** `v=…` */
      serverFinal: string;
      account: number;
      /** The account's first address. */
      address: string;
      /** Absent when a cookie was set. */
      token?: string;
      /** Epoch milliseconds. */
      expires: number;
      /** IMAP capabilities switched off for this account, upper case; absent when there are none. */
      imapWithout?: string[];
    }
  | { status: 'failed' };
/** `POST /auth/token`: an app password or a program's bearer token, random secrets both, for a token of this receiver. */
export interface TokenRequest {
  /** An address of the account. Needed with an app password; with a bearer token it must be the account's when given. */
  username?: string;
  secret: string;
}
export type TokenAnswer = Omit<Extract<ScramFinishAnswer, { status: 'ok' }>, 'serverFinal'> | { status: 'failed' };

// ---------------------------------------------------------------- bridge

export interface BridgeMailbox {
  id: number;
  parent: number | null;
  name: string;
  /** RFC 8621 §2 role, lower case, or null. */
  role: string | null;
  subscribed: boolean;
  uidvalidity: number;
  uidnext: number;
  /** HIGHESTMODSEQ (RFC 7162 §3.1.2.1). */
  highestModseq: number;
  modseq: number;
  destroyed?: true;
}
export interface BridgePlacement {
  mailbox: number;
  uid: number;
  /** INTERNALDATE, epoch milliseconds. */
  receivedAt: number;
  /** SAVEDATE (RFC 8514), epoch milliseconds. */
  savedAt: number;
  deleted: boolean;
  modseq: number;
  expunged?: true;
}
/** The parts of an email that never change. */
export interface BridgeIndex {
  sha256: string;
  size: number;
  receivedAt: number;
  sentAt: number | null;
  thread: number;
  subject: string;
  headers: string;
  headersComplete: boolean;
  structure: Part;
  preview: string;
}
export interface BridgeEmail {
  id: number;
  /** Every keyword except `\Deleted`; system flags in JMAP's form (`$seen`). Lower case, sorted. */
  keywords: string[];
  keywordsModseq: number;
  /** The placements that changed since the cursor; all of them when `index` is there. */
  placements: BridgePlacement[];
  /** Present when the email is new to the asker (created after its cursor). */
  index?: BridgeIndex;
  /** The last placement is gone. */
  destroyed?: true;
}
/** What the account holds and may hold, at the time of a page. */
export interface BridgeUsage {
  octets: number;
  /** Octets; null for no limit. */
  quota: number | null;
}
/** One annotation (RFC 5464); `mailbox` 0 is the server. `entry` in lower case, `value` a byte string. */
export interface BridgeMetadata {
  mailbox: number;
  entry: string;
  value: string;
}
/** One page of an account's changes, ordered by modseq. */
export interface ChangesPage {
  /** True: the cursor is older than the change horizon or malformed; drop everything and start at ''. */
  reset: boolean;
  mailboxes: BridgeMailbox[];
  emails: BridgeEmail[];
  /** Opaque; '' means the beginning. Pass the last one back. */
  cursor: string;
  /** More pages wait. */
  more: boolean;
  /** The account's modseq when this page was read. */
  modseq: number;
  usage?: BridgeUsage;
  /** All annotations of the account; present when any of them changed since the cursor. */
  metadata?: BridgeMetadata[];
}

/** The writes of IMAP and JMAP, one vocabulary. Ids are those of the account. */
export type Operation =
  /**
   * Adds, removes or replaces keywords of messages, and sets or clears their `\Deleted`: for each message all of it, or nothing when it
   * changed after `unchangedSince`; then it is reported.
   */
  | {
      op: 'store';
      mailbox: number;
      uids: number[];
      add?: string[];
      remove?: string[];
      replace?: string[];
      deleted?: boolean;
      unchangedSince?: number;
    }
  /** COPY: one more placement in `to` for each placement named, in this order. */
  | { op: 'copy'; mailbox: number; uids: number[]; to: number }
  | { op: 'move'; mailbox: number; uids: number[]; to: number }
  /** Takes out those of `uids` that are `\Deleted` when the operation is applied. */
  | { op: 'expunge'; mailbox: number; uids: number[] }
  | {
      op: 'append';
      mailbox: number;
      sha256: string;
      /** Octets in the frame's payload; 0 when put by `PUT /blob` before. */
      inline: number;
      index: MessageIndex;
      keywords: string[];
      deleted?: boolean;
      receivedAt: number;
    }
  | { op: 'createMailbox'; parent: number | null; name: string; role?: string | null; subscribed?: boolean }
  | {
      op: 'updateMailbox';
      mailbox: number;
      parent?: number | null;
      name?: string;
      role?: string | null;
      subscribed?: boolean;
      sortOrder?: number;
    }
  /** With `expungeEmails` the mailbox's placements go too; without it a mailbox that holds mail answers `mailboxHasEmail`. */
  | { op: 'destroyMailbox'; mailbox: number; expungeEmails?: boolean }
  /** Sets annotations of a mailbox, of the server for 0; a null value removes one. All or none. */
  | { op: 'setMetadata'; mailbox: number; entries: [entry: string, value: string | null][] };

export type OperationError =
  | 'notFound'
  | 'alreadyExists'
  | 'mailboxHasChild'
  | 'mailboxHasEmail'
  | 'forbidden'
  | 'overQuota'
  | 'blobNotFound'
  | 'tooLarge'
  | 'invalid';

export type OperationResult =
  | {
      ok: true;
      /** copy, move: [source uid, new uid]; append: [0, new uid]. */
      uids?: [number, number][];
      /** createMailbox: the new id; append: the email's id. */
      id?: number;
      /** Uids left unchanged because of `unchangedSince`. */
      modified?: number[];
    }
  | { ok: false; error: OperationError; description?: string };

export interface CommitRequest {
  /** Random; a commit with a known id answers as the first one did. */
  id: string;
  /** The mirror's cursor. */
  since: string;
  operations: Operation[];
  /** All operations or none: when one is refused, nothing is done and every result is that refusal (RFC 3502, RFC 9051 §6.4.7). */
  atomic?: boolean;
}
export interface CommitAnswer {
  results: OperationResult[];
  /** All changes since `since`, the commit's own among them (first page; `more` says whether to go on). */
  changes: ChangesPage;
}

/**
 * `GET /bridge/search?scope=text|body&text=…&after=…`: emails that have the words of a text in a row, the last word as a beginning, by full
 * text: in all of the message, or in its body.
 */
export interface SearchAnswer {
  /** False: there is no word in the text, so full text cannot tell. */
  words: boolean;
  emails: number[];
  /** To be given as `after` for the next page; null after the last. */
  next: string | null;
}

/** `GET /bridge/heads?accounts=1,2`: account → modseq. */
export interface HeadsAnswer {
  heads: Record<string, number>;
}
/** One message on the push WebSocket. */
export interface PushMessage {
  modseq: number;
}

// ---------------------------------------------------------------- submission

export interface SubmitRequest {
  /** Random; a submission with a known id answers as the first one did. */
  id: string;
  envelope: Envelope;
  /** Payload: the message as it goes into Sent (Message-ID and Date present, Bcc kept). */
  sha256: string;
  inline: number;
  index: MessageIndex;
}
export type SubmitAnswer =
  | { status: 'accepted'; submission: number }
  /** `forbiddenFrom`: From or MAIL FROM is not an address of the account. */
  | { status: 'refused'; reason: 'forbiddenFrom' | 'noRecipients' | 'unknownRecipient' | 'tooLarge' | 'overQuota'; description: string };
