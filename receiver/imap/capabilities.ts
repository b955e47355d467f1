/**
 * What we say we can do (RFC 9051 §6.1.1, §7.2.2), and when: what concerns login before it, the rest after it.
 * A name stands here only when every part of its RFC works.
 */
import type { Client } from './client.ts';

const BASE = ['IMAP4rev1', 'IMAP4rev2', 'SASL-IR', 'LITERAL+', 'ID', 'ENABLE', 'IDLE'];
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
  'ESEARCH',
  'SEARCHRES',
  'WITHIN',
  'MULTIAPPEND',
  'OBJECTID',
  'SAVEDATE',
  'PREVIEW',
  'UTF8=ACCEPT',
];

/** The names for this client now, separated by spaces. */
export function capabilities(client: Client): string {
  if (client.session) return [...BASE, ...AFTER_LOGIN, `APPENDLIMIT=${client.messageSizeLimit}`].join(' ');
  const login = client.passwordAllowed ? ['AUTH=PLAIN', 'AUTH=LOGIN'] : ['LOGINDISABLED'];
  return [...BASE, ...(client.startTlsPossible ? ['STARTTLS'] : []), ...login].join(' ');
}
