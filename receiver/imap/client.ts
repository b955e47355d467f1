/**
 * What a command sees of the connection it serves (RFC 9051 §3): the state, the session, the selected mailbox,
 * the way out and the way to ask for another line. `connection.ts` implements it; commands know nothing more.
 */
import type { Notifier } from './notify/notifier.ts';
import type { NotifyRequest } from './notify/request.ts';
import type { Output } from './output.ts';
import type { Selection } from './selection.ts';
import type { Backend, Session } from './session.ts';
import type { Arguments } from './wire/arguments.ts';
import type { ResponseCode } from './wire/codes.ts';

export type State = 'notAuthenticated' | 'authenticated' | 'selected' | 'logout';

export const ANY: readonly State[] = ['notAuthenticated', 'authenticated', 'selected'];
export const NOT_AUTHENTICATED: readonly State[] = ['notAuthenticated'];
export const LOGGED_IN: readonly State[] = ['authenticated', 'selected'];
export const SELECTED: readonly State[] = ['selected'];

export interface Client {
  readonly state: State;
  readonly backend: Backend;
  readonly output: Output;
  readonly remoteAddress: string;
  readonly hostname: string;
  readonly messageSizeLimit: number;
  /** A TLS layer is there. */
  readonly secure: boolean;
  /** STARTTLS is possible: no TLS yet and a certificate at hand. */
  readonly startTlsPossible: boolean;
  /** Key material that binds a login to this TLS channel (RFC 9266); null without TLS 1.3. */
  tlsExporter(): Uint8Array | null;
  /** COMPRESS is active. */
  readonly compressed: boolean;
  /** The URL of the JMAP session object; null when there is none to tell. */
  readonly jmapSession: string | null;
  /** A password may be sent over this connection as it is now. */
  readonly passwordAllowed: boolean;
  /** Names that ENABLE switched on, upper case. */
  readonly enabled: Set<string>;
  /** Mailbox names and strings travel as UTF-8 (RFC 9051 §5.1, RFC 6855). */
  readonly utf8: boolean;
  /** Null before login. */
  readonly session: Session | null;
  readonly selection: Selection | null;
  /** What NOTIFY asked for, once it was used. */
  readonly notifier: Notifier | null;
  /** The client is in IDLE. */
  idling: boolean;
  /** Failed logins on this connection. */
  failures: number;
  /** The password was right: the clock that shows strangers out stops, however long the first synchronisation takes. */
  verified(): void;
  /** False: this user has too many connections. */
  logIn(session: Session): boolean;
  /** Compresses both directions from here on; the tagged OK has been written. */
  compress(): void;
  /** Closes what was selected before; null leaves the selected state. */
  select(selection: Selection | null): void;
  /** Sends `+ prompt` and waits for one line. */
  ask(prompt: string): Promise<string>;
  /** Waits for one line. Throws `ClientGone` when none can come any more. */
  line(): Promise<string>;
  /** Upgrades after the tagged OK has been written; false when the handshake failed. */
  startTls(): Promise<boolean>;
  /** From here on this is told, and nothing else. */
  notifyBy(request: NotifyRequest): Notifier;
  /** Ends the connection with a reason, as soon as what is being written is whole. */
  bye(reason: string, code?: ResponseCode | null): void;
  /** Leaves: the connection closes after what was written. */
  logOut(): void;
  /** Lets other clients run when this one has had its share, and waits while this one does not read. */
  breathe(): Promise<void>;
}

/** How a command was called. */
export interface Call {
  tag: string;
  /** `UID` stood before its name (RFC 9051 §6.4.9). */
  uid: boolean;
  /** Resolves when the commands before it have been answered: it runs together with them and may write nothing before (together.ts). */
  turn: Promise<void>;
}

/** The tagged OK. A NO is a thrown `Refusal`, a BAD a thrown `Malformed`. */
export interface Completion {
  text: string;
  code?: ResponseCode;
  /** Whether EXPUNGE may be told before it; false for FETCH, STORE and SEARCH by number (RFC 9051 §7.5.1). */
  expunge?: boolean;
  /** The tagged line has been written already. */
  silent?: true;
}

export interface Command {
  name: string;
  states: readonly State[];
  /** It may stand behind `UID`, or only there. */
  uid?: 'also' | 'only';
  run(client: Client, args: Arguments, call: Call): Promise<Completion>;
}

/** The connection ended while a command waited for the client: nobody is left to answer. */
export class ClientGone extends Error {}

/** A literal was announced and cannot be delivered: the client could read no answer any more, the connection has to close. */
export class BrokenAnswer extends Error {}

/** The session of a logged-in client. The command table lets no command run in a state where this throws. */
export function sessionOf(client: Client): Session {
  if (!client.session) throw new Error('a command of the authenticated state ran before login');
  return client.session;
}

export function selectionOf(client: Client): Selection {
  if (!client.selection) throw new Error('a command of the selected state ran without a mailbox');
  return client.selection;
}
