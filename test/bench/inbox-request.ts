/** The request with which the webmail opens the inbox: folders, first page, conversations and their rows in one (state/sync.ts). */
import type { Call } from '../../workers/webmail/jmap/client.ts';
import { listCalls } from '../../workers/webmail/state/listing.ts';
import { PAGE } from '../../workers/webmail/state/window.ts';

/** As state/mailboxes.ts asks, which cannot be loaded without a browser. */
const MAILBOX_CALL: Call = ['Mailbox/get', { ids: null }, 'mailboxes'];
const USING = ['urn:ietf:params:jmap:core', 'urn:ietf:params:jmap:mail', 'urn:ietf:params:jmap:submission'];

/** A JMAP request (RFC 8620 §3.3). */
export function openInboxRequest(accountId: string, inbox: string): { using: string[]; methodCalls: unknown[] } {
  const calls = [MAILBOX_CALL, ...listCalls({ inMailbox: inbox }, { position: 0, limit: PAGE })];
  return { using: USING, methodCalls: calls.map(([name, args, id]) => [name, { accountId, ...args }, id]) };
}
