/** The Mailbox object on the wire (RFC 8621 §2). An account has one owner, so the rights follow from the role alone. */
import type { Json } from '../errors.ts';
import { encodeId } from '../ids.ts';

export const MAILBOX_PROPERTIES = [
  'id',
  'name',
  'parentId',
  'role',
  'sortOrder',
  'totalEmails',
  'unreadEmails',
  'totalThreads',
  'unreadThreads',
  'myRights',
  'isSubscribed',
] as const;

/** The properties that change when mail does (Mailbox/changes, `updatedProperties`). */
export const COUNT_PROPERTIES = ['totalEmails', 'unreadEmails', 'totalThreads', 'unreadThreads'] as const;

/** What a Mailbox is made of. */
export interface MailboxFacts {
  id: number;
  parent: number | null;
  name: string;
  role: string | null;
  sortOrder: number;
  subscribed: boolean;
  emails: number;
  unread: number;
  threads: number;
  unreadThreads: number;
}

/** The whole Mailbox object. */
export function mailboxObject(row: MailboxFacts): Json {
  return {
    id: encodeId('Mailbox', row.id),
    name: row.name,
    parentId: row.parent === null ? null : encodeId('Mailbox', row.parent),
    role: row.role,
    sortOrder: row.sortOrder,
    totalEmails: row.emails,
    unreadEmails: row.unread,
    totalThreads: row.threads,
    unreadThreads: row.unreadThreads,
    myRights: mailboxRights(row.role),
    isSubscribed: row.subscribed,
  };
}

/** Mail arrives in the inbox: it cannot be taken away, renamed or moved. */
function mailboxRights(role: string | null) {
  const fixed = role === 'inbox';
  return {
    mayReadItems: true,
    mayAddItems: true,
    mayRemoveItems: true,
    maySetSeen: true,
    maySetKeywords: true,
    mayCreateChild: true,
    mayRename: !fixed,
    mayDelete: !fixed,
    maySubmit: true,
  };
}
