/** What a door may have done to an account's mail, beyond the writes of IMAP (shared/protocol.ts). */
import type { MessageIndex } from '../../../../shared/mime/index-types.ts';
import type { Operation } from '../../../../shared/protocol.ts';

/** Additions and removals, or the whole set. */
export interface SetPatch<Item> {
  add: Item[];
  remove: Item[];
  replace?: Item[];
}

/** What changes of one email (RFC 8621 §4.6). */
export interface EmailUpdate {
  email: number;
  mailboxes?: SetPatch<number>;
  keywords?: SetPatch<string>;
}

/** The description of the `tooLarge` that an update into too many mailboxes gets; too many keywords get another. */
export const TOO_MANY_MAILBOXES = 'too many mailboxes';

/**
 * The operations a door may apply: the bridge's, and those only JMAP has, which name emails, not uids.
 * `import` is an append into several mailboxes at once.
 */
export type AppliedOperation =
  | Operation
  /** Keywords and memberships of emails, all changes or none; an email stays in one mailbox at least. Unknown emails are named in `modified`. */
  | { op: 'updateEmails'; changes: EmailUpdate[] }
  | { op: 'destroyEmails'; emails: number[] }
  /** Several mailboxes changed together: only how they stand afterwards is checked (RFC 8620 §5.3). All or none. */
  | { op: 'updateMailboxes'; updates: Omit<Extract<Operation, { op: 'updateMailbox' }>, 'op'>[] }
  | { op: 'import'; mailboxes: number[]; sha256: string; index: MessageIndex; keywords: string[]; receivedAt: number };
