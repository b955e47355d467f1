/**
 * What IMAP commands may ask of a mail store. Two things implement it: `mirror-session.ts` over the
 * mirror, and `memory-session.ts`, which holds everything in arrays and exists so that the protocol
 * can be tested without an edge. Commands see this and the wire, never the mirror (DESIGN.md).
 *
 * Reading is synchronous where a mirror can answer at once: FETCH FLAGS over 100,000 messages is a
 * loop, not 100,000 promises. Sequence numbers are not known here; `view.ts` keeps them.
 */
import type { Part } from '../../shared/mime/index-types.ts';
import type { ColumnName, ColumnRow, MessageText, TextMatches, TextScope } from './search/columns.ts';
import type { SortOrders } from './search/orders.ts';
import type { ResponseCode } from './wire/codes.ts';

/** `BAD`-free refusals: what a tagged NO carries (RFC 9051 §7.1, RFC 5530). */
export class Refusal extends Error {
  readonly code: ResponseCode | null;

  constructor(code: ResponseCode | null, message: string) {
    super(message);
    this.code = code;
  }
}

/** Opens sessions; the server asks it once per login. All throw `Refusal('UNAVAILABLE', …)` when nobody can say. */
export interface Backend {
  /** Null: wrong name or password. */
  login(username: string, password: string, connection: { remoteAddress: string }): Promise<Session | null>;
  /** Begins a SCRAM-SHA-256 exchange (RFC 7677), for unknown names as well. Absent: the mechanism is not offered. */
  scram?(username: string, clientFirstBare: string, connection: { remoteAddress: string }): Promise<ScramExchange>;
  /** Null: no such token, or not this user's. Absent: OAUTHBEARER is not offered. */
  bearer?(username: string | null, token: string, connection: { remoteAddress: string }): Promise<Session | null>;
}

export interface ScramExchange {
  serverFirst: string;
  /** Null: the proof is wrong. */
  finish(clientFinal: string): Promise<{ serverFinal: string; open(): Promise<Session> } | null>;
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
  /** Octets of the messages that are `\Deleted` (RFC 9208 §4.1.4). */
  deletedSize: number;
}

/** What the account holds, and may hold (RFC 9208). */
export interface Quota {
  octets: number;
  /** Octets; null for no limit. */
  limit: number | null;
}

/** Annotations (RFC 5464): entry name in lower case → value, a byte string. */
export type Metadata = ReadonlyMap<string, string>;

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
  /** By what SORT and THREAD compare, kept for all who have the mailbox selected. */
  readonly orders: SortOrders;
  /** The columns named, for each of `uids` (ascending); undefined where a uid is gone. Reads all of them at once: ask for some hundreds. */
  columns<const Names extends readonly ColumnName[]>(names: Names, uids: ArrayLike<number>): (ColumnRow<Names> | undefined)[];
  /** Looks for a casemapped text where the texts of `uids` (ascending) are at hand; `pause` is awaited now and then. */
  scanTexts(scope: TextScope, text: string, uids: Uint32Array, pause: () => Promise<void>): Promise<TextMatches>;
  /** The text of a message has been read: the next search may want it. */
  keepText(message: Message, text: MessageText): void;
  /**
   * Which UIDs hold the words of `text` by the store's full text; null when there is no word in it. `wanted`: those whose texts are not at
   * hand and are worth fetching now. Throws Refusal UNAVAILABLE.
   */
  fullText(scope: TextScope, text: string, wanted: Uint32Array): Promise<ReadonlySet<number> | null>;
  /** Octets [offset, offset+length) of the original; the whole when no range is given. Throws Refusal UNAVAILABLE. */
  read(message: Message, range?: { offset: number; length: number }): Promise<Uint8Array>;
  /** The same where it can be had without waiting, good until another is read; null where it cannot. Absent: nothing can. */
  readNow?(message: Message, range?: { offset: number; length: number }): Uint8Array | null;
  /** The same as a stream of chunks, for what is large. */
  stream(message: Message, range?: { offset: number; length: number }): AsyncIterable<Uint8Array>;
  /** Every keyword in use, for FLAGS and PERMANENTFLAGS. */
  keywords(): string[];
  /** Resolves when the change is visible here; `modified` lists uids that UNCHANGEDSINCE held back. */
  store(request: StoreRequest): Promise<{ modified: number[] }>;
  copy(uids: number[], target: string): Promise<CopyResult>;
  move(uids: number[], target: string): Promise<CopyResult>;
  /** The message takes the place of `uid`, in `target`: both happen or neither (RFC 8508). */
  replace(uid: number, target: string, message: AppendMessage): Promise<{ uidvalidity: number; uid: number }>;
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
  /** Capabilities switched off for this account, upper case. */
  readonly without: ReadonlySet<string>;
  /** Sorted by name, INBOX first. */
  mailboxes(): Mailbox[];
  find(name: string): Mailbox | undefined;
  status(mailbox: Mailbox): MailboxStatus;
  /** Moves whenever a message of the mailbox changes; costs nothing to ask. */
  clock(mailbox: Mailbox): number;
  select(mailbox: Mailbox, readOnly: boolean): SelectedMailbox;
  create(name: string, specialUse: string | null): Promise<Mailbox>;
  delete(name: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  setSubscribed(name: string, subscribed: boolean): Promise<void>;
  append(mailbox: string, messages: AppendMessage[]): Promise<{ uidvalidity: number; uids: number[] }>;
  quota(): Quota;
  /** Annotations of a mailbox, of the server for null. */
  metadata(mailbox: Mailbox | null): Metadata;
  /** Sets all entries or none; null removes one. Throws `Refusal('METADATA TOOMANY', …)` and the like. */
  setMetadata(mailbox: Mailbox | null, entries: ReadonlyMap<string, string | null>): Promise<void>;
  /** `listener` is called after anything in the account has changed; answers how to stop it. */
  watch(listener: () => void): () => void;
  /** `listener` is called when the edge takes this login no more; answers how to stop it. */
  onRevoked(listener: () => void): () => void;
  /** Asks the edge for anything new (NOOP, CHECK); does not throw when it is away. */
  refresh(): Promise<void>;
  /** Waits until what this user is owed has arrived (first synchronisation). */
  ready(): Promise<void>;
  close(): void;
}
