/**
 * What IMAP commands may ask of a mail store. Two things implement it: `mirror-session.ts` over the
 * mirror, and `memory-session.ts`, which holds everything in arrays and exists so that the protocol
 * can be tested without an edge. Commands see this and the wire, never the mirror (DESIGN.md).
 *
 * Reading is synchronous where a mirror can answer at once: FETCH FLAGS over 100,000 messages is a
 * loop, not 100,000 promises. Sequence numbers are not known here; `view.ts` keeps them.
 */
import type { Part } from '../../shared/mime/index-types.ts';

/** `BAD`-free refusals: what a tagged NO carries (RFC 9051 §7.1, RFC 5530). */
export class Refusal extends Error {
  readonly code: string | null;
  /** `code` without brackets, e.g. `TRYCREATE`, `UNAVAILABLE`, `ALREADYEXISTS`. */
  constructor(code: string | null, message: string) {
    super(message);
    this.code = code;
  }
}

/** Opens sessions; the server asks it once per login. */
export interface Backend {
  /** Null: wrong name or password. Throws `Refusal('UNAVAILABLE', …)` when nobody can say. */
  login(username: string, password: string, connection: { remoteAddress: string }): Promise<Session | null>;
}

export interface Mailbox {
  /** Never reused; MAILBOXID (RFC 8474) is made of it. */
  readonly id: string;
  /** Full name in Unicode, `/` between levels; the Inbox is `INBOX`. */
  readonly name: string;
  readonly uidvalidity: number;
  readonly subscribed: boolean;
  readonly hasChildren: boolean;
  /** `\Sent` and the like (RFC 6154), or null. */
  readonly specialUse: string | null;
}

export interface MailboxStatus {
  messages: number;
  unseen: number;
  deleted: number;
  uidnext: number;
  uidvalidity: number;
  highestModseq: number;
  /** Octets of all messages (RFC 8438). */
  size: number;
}

/** A set of flags, interned: equal sets are the same object, so a loop over messages only concatenates. */
export interface Flags {
  /** In IMAP spelling, e.g. `['\\Seen', '$Forwarded']`. */
  readonly list: readonly string[];
  /** `(\Seen $Forwarded)` */
  readonly text: string;
  /** Without regard to case. */
  has(flag: string): boolean;
}

/** What never changes about a message, as a mirror keeps it. Wire texts are byte strings. */
export interface Message {
  readonly uid: number;
  /** RFC 8474, e.g. `M12` and `T9`. */
  readonly emailId: string;
  readonly threadId: string;
  /** Octets: RFC822.SIZE. */
  readonly size: number;
  /** Epoch milliseconds: INTERNALDATE; Date field or null; SAVEDATE. */
  readonly internalDate: number;
  readonly sentDate: number | null;
  readonly savedDate: number;
  /** Finished wire text of ENVELOPE, BODY and BODYSTRUCTURE, parentheses included. */
  readonly envelope: string;
  readonly body: string;
  readonly bodyStructure: string;
  /** Kept header fields, raw; complete unless the flag says no. */
  readonly headers: string;
  readonly headersComplete: boolean;
  readonly structure: Part;
  readonly preview: string;
}

/** A change to a mailbox, as the mirror applied it. Uids ascending. */
export interface MailboxChange {
  added: number[];
  expunged: number[];
  flags: number[];
  /** The mailbox itself is gone. */
  destroyed?: true;
}

export interface StoreRequest {
  uids: number[];
  mode: 'add' | 'remove' | 'replace';
  /** IMAP spelling; `\Recent` never gets here. */
  flags: string[];
  unchangedSince?: number;
}

export interface AppendMessage {
  flags: string[];
  /** Epoch milliseconds; now when absent. */
  internalDate?: number;
  /** The literal's octets, spooled to a file when large. */
  body: Uint8Array | { path: string; size: number };
}

/** An open mailbox. Reads answer from what is known now; `subscribe` tells what changed. */
export interface SelectedMailbox {
  readonly mailbox: Mailbox;
  readonly readOnly: boolean;
  /** Live uids, ascending. The array is the session's own; do not change it. */
  uids(): Uint32Array;
  uidnext(): number;
  highestModseq(): number;
  /** Undefined when the uid is gone. */
  flags(uid: number): Flags | undefined;
  modseq(uid: number): number;
  /** UIDs expunged after `modseq`, ascending, none of them live; null when that is too long ago to know (RFC 7162 §5.3). */
  vanished(modseq: number): number[] | null;
  /** Immutable facts, in the order asked; uids that are gone are left out. Reads in chunks, so iterate. */
  messages(uids: Iterable<number>): Iterable<Message>;
  /** Octets [offset, offset+length) of the original; the whole when no range is given. Throws Refusal UNAVAILABLE. */
  read(message: Message, range?: { offset: number; length: number }): Promise<Uint8Array>;
  /** The same as a stream of chunks, for what is large. */
  stream(message: Message, range?: { offset: number; length: number }): AsyncIterable<Uint8Array>;
  /** Every keyword in use, for FLAGS and PERMANENTFLAGS. */
  keywords(): string[];
  /** Resolves when the change is visible here; `modified` lists uids that UNCHANGEDSINCE held back. */
  store(request: StoreRequest): Promise<{ modified: number[] }>;
  copy(uids: number[], target: string): Promise<CopyResult>;
  move(uids: number[], target: string): Promise<CopyResult>;
  /** Removes those of `uids` that are `\Deleted`; all `\Deleted` ones when null. */
  expunge(uids: number[] | null): Promise<void>;
  subscribe(listener: (change: MailboxChange) => void): () => void;
  close(): void;
}

/** COPYUID (RFC 4315 §3): source and new uids, pairwise. */
export interface CopyResult {
  uidvalidity: number;
  pairs: [number, number][];
}

/** One logged-in user. */
export interface Session {
  readonly address: string;
  /** Sorted by name, INBOX first. */
  mailboxes(): Mailbox[];
  find(name: string): Mailbox | undefined;
  status(mailbox: Mailbox): MailboxStatus;
  select(mailbox: Mailbox, readOnly: boolean): SelectedMailbox;
  create(name: string, specialUse: string | null): Promise<Mailbox>;
  delete(name: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  setSubscribed(name: string, subscribed: boolean): Promise<void>;
  append(mailbox: string, messages: AppendMessage[]): Promise<{ uidvalidity: number; uids: number[] }>;
  /** Full-text candidates are not here yet; SEARCH scans. */
  /** Asks the edge for anything new (NOOP, CHECK); does not throw when it is away. */
  refresh(): Promise<void>;
  /** Waits until what this user is owed has arrived (first synchronisation). */
  ready(): Promise<void>;
  close(): void;
}
