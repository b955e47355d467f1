/**
 * What we say we can do (RFC 9051 §6.1.1, §7.2.2), and when: what concerns login before it, the rest after it. A name stands
 * here only when every part of its RFC works. What was switched off for an account is neither said nor done.
 */
import type { Client } from './client.ts';
import { Malformed } from './wire/arguments.ts';

const ALWAYS = ['IMAP4rev1', 'IMAP4rev2', 'SASL-IR', 'LITERAL+', 'ID', 'ENABLE', 'IDLE'];
const AFTER_LOGIN = [
  'NAMESPACE',
  'UNSELECT',
  'UIDPLUS',
  'MOVE',
  'CHILDREN',
  'SPECIAL-USE',
  'CREATE-SPECIAL-USE',
  'LIST-EXTENDED',
  'LIST-STATUS',
  'STATUS=SIZE',
  'CONDSTORE',
  'QRESYNC',
  'UIDONLY',
  'ESEARCH',
  'SEARCHRES',
  'SORT',
  'SORT=DISPLAY',
  'ESORT',
  'THREAD=ORDEREDSUBJECT',
  'THREAD=REFERENCES',
  'MULTISEARCH',
  'PARTIAL',
  'WITHIN',
  'MULTIAPPEND',
  'BINARY',
  'OBJECTID',
  'SAVEDATE',
  'PREVIEW',
  'UTF8=ACCEPT',
  'QUOTA',
  'QUOTA=RES-STORAGE',
  'COMPRESS=DEFLATE',
  'METADATA',
  'LIST-METADATA',
  'REPLACE',
  'NOTIFY',
  'INPROGRESS',
];
/** Names whose value or presence depends on the connection. */
const DEPENDING: ((client: Client) => string | null)[] = [
  (client) => `APPENDLIMIT=${client.messageSizeLimit}`,
  (client) => (client.jmapSession === null ? null : 'JMAPACCESS'),
];

/** Login itself cannot do without these, and before it nobody knows whose connection it is. */
const INDISPENSABLE = new Set(['IMAP4REV1', 'SASL-IR', 'LITERAL+']);
/** What can be switched off for one account, upper case. */
export const SWITCHABLE: ReadonlySet<string> = new Set(
  [...ALWAYS, ...AFTER_LOGIN, 'APPENDLIMIT', 'JMAPACCESS'].map((name) => name.toUpperCase()).filter((name) => !INDISPENSABLE.has(name)),
);

/** Commands that exist by virtue of a capability; a row with several needs one of them. */
const NEEDED: Record<string, string[]> = {
  COMPRESS: ['COMPRESS=DEFLATE'],
  ENABLE: ['ENABLE'],
  ESEARCH: ['MULTISEARCH'],
  GETJMAPACCESS: ['JMAPACCESS'],
  GETMETADATA: ['METADATA'],
  GETQUOTA: ['QUOTA'],
  GETQUOTAROOT: ['QUOTA'],
  ID: ['ID'],
  IDLE: ['IDLE'],
  MOVE: ['MOVE'],
  NAMESPACE: ['NAMESPACE'],
  NOTIFY: ['NOTIFY'],
  REPLACE: ['REPLACE'],
  SETMETADATA: ['METADATA'],
  SETQUOTA: ['QUOTA'],
  SORT: ['SORT'],
  THREAD: ['THREAD=REFERENCES', 'THREAD=ORDEREDSUBJECT'],
  UNSELECT: ['UNSELECT'],
};

/** The names for this client now, separated by spaces. */
export function capabilities(client: Client): string {
  if (!client.session) return [...ALWAYS, ...(client.startTlsPossible ? ['STARTTLS'] : []), ...loginNames(client)].join(' ');
  const names = [...ALWAYS, ...AFTER_LOGIN, ...DEPENDING.flatMap((name) => name(client) ?? [])];
  return names.filter((name) => !isOff(client, name.replace(/^(APPENDLIMIT)=.*/, '$1').toUpperCase())).join(' ');
}

/** Mechanisms that may be used on this connection as it is now, in our order of preference. */
export function mechanisms(client: Client): string[] {
  if (!client.passwordAllowed) return [];
  const { backend } = client;
  return [
    ...(backend.scram && client.tlsExporter() ? ['SCRAM-SHA-256-PLUS'] : []),
    ...(backend.scram ? ['SCRAM-SHA-256'] : []),
    ...(backend.bearer ? ['OAUTHBEARER'] : []),
    'PLAIN',
    'LOGIN',
  ];
}

function loginNames(client: Client): string[] {
  const names = mechanisms(client);
  return names.length === 0 ? ['LOGINDISABLED'] : names.map((name) => `AUTH=${name}`);
}

/** Switched off for the account that is logged in. `name` in upper case. */
export function isOff(client: Pick<Client, 'session'>, name: string): boolean {
  return client.session?.without.has(name) ?? false;
}

/** The command does not exist for this client. `command` in upper case; `uid`: it stood behind UID. */
export function isCommandOff(client: Client, command: string, uid: boolean): boolean {
  if (uid && command === 'EXPUNGE') return isOff(client, 'UIDPLUS');
  const needed = Object.hasOwn(NEEDED, command) ? NEEDED[command] : undefined;
  return needed?.every((name) => isOff(client, name)) ?? false;
}

/** Items of STATUS and FETCH that exist by virtue of a capability. */
const ITEMS_NEED: Record<string, string> = {
  APPENDLIMIT: 'APPENDLIMIT',
  BINARY: 'BINARY',
  'DELETED-STORAGE': 'QUOTA=RES-STORAGE',
  EMAILID: 'OBJECTID',
  HIGHESTMODSEQ: 'CONDSTORE',
  MAILBOXID: 'OBJECTID',
  MODSEQ: 'CONDSTORE',
  PREVIEW: 'PREVIEW',
  SAVEDATE: 'SAVEDATE',
  SIZE: 'STATUS=SIZE',
  THREADID: 'OBJECTID',
};

function isBinary(item: unknown): boolean {
  return typeof item === 'object' && item !== null && 'kind' in item && (item.kind === 'binary' || item.kind === 'binarySize');
}

/** Throws for items of STATUS or FETCH that are switched off; others are left alone. */
export function requireItems(client: Client, items: readonly unknown[]): void {
  for (const item of items) {
    const name = typeof item === 'string' ? item : isBinary(item) ? 'BINARY' : '';
    if (Object.hasOwn(ITEMS_NEED, name)) requireOn(client, ITEMS_NEED[name] ?? '');
  }
}

/** Throws for an argument that belongs to a capability which is switched off. */
export function requireOn(client: Pick<Client, 'session'>, name: string): void {
  if (isOff(client, name)) throw new Malformed(`${name} is not available`);
}
