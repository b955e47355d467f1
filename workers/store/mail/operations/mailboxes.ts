/**
 * Mailboxes: created, changed, destroyed (RFC 8621 §2.5, RFC 9051 §6.3.4–6.3.6). Sibling names and roles are unique,
 * parents make no circle, and the Inbox stays: ingest needs it.
 */
import type { OperationResult } from '../../../../shared/protocol.ts';
import { ROLES } from '../../../../shared/roles.ts';
import { NO_COUNTS } from '../counters.ts';
import type { Ledger } from '../ledger.ts';
import { type MailboxState, present } from '../rows.ts';
import type { AppliedOperation } from './applied.ts';
import { failure, type OperationContext } from './context.ts';

type Create = Extract<AppliedOperation, { op: 'createMailbox' }>;
type Update = Extract<AppliedOperation, { op: 'updateMailbox' }>;
type UpdateAll = Extract<AppliedOperation, { op: 'updateMailboxes' }>;
type Destroy = Extract<AppliedOperation, { op: 'destroyMailbox' }>;

/** Mailboxes of one account: all of them are read with every change. */
export const MAILBOXES_MAX = 1000;
/** Levels; a name with all its parents stays within what IMAP clients take. */
const DEPTH_MAX = 20;
/** RFC 8621 §2: at least 255 octets of UTF-8 are to be allowed. */
const NAME_OCTETS_MAX = 255;

type Checked = Pick<MailboxState, 'id' | 'parent' | 'name' | 'role'>;

export function createMailbox({ ledger }: OperationContext, operation: Create): OperationResult {
  const { parent, role = null, subscribed = false } = operation;
  const name = operation.name.normalize('NFC');
  const refused = check(ledger, { id: 0, parent, name, role });
  if (refused) return refused;
  if (ledger.mailboxes().length >= MAILBOXES_MAX) return failure('tooLarge', `more than ${MAILBOXES_MAX} mailboxes`);
  const { account, modseq, now } = ledger;
  const id = account.nextMailbox++;
  account.uidvalidity = Math.max(account.uidvalidity + 1, Math.floor(now / 1000));
  const clocks = { highestModseq: modseq, propertiesModseq: modseq, modseq, createdModseq: modseq, destroyedModseq: null };
  const named = { id, parent, name, role, subscribed, sortOrder: 0, uidvalidity: account.uidvalidity, uidnext: 1 };
  ledger.putMailbox({ ...named, ...clocks, ...NO_COUNTS });
  return { ok: true, id };
}

export function updateMailbox(context: OperationContext, { op: _op, ...update }: Update): OperationResult {
  return updateMailboxes(context, { op: 'updateMailboxes', updates: [update] });
}

/** All or none. What counts is how the mailboxes stand afterwards, so that two can exchange their names (RFC 8620 §5.3). */
export function updateMailboxes({ ledger }: OperationContext, { updates }: UpdateAll): OperationResult {
  const changes: { before: MailboxState; after: MailboxState }[] = [];
  for (const update of updates) {
    const before = ledger.mailbox(update.mailbox);
    if (!before) return failure('notFound', 'mailbox');
    const after = changed(before, update);
    if (before.role === 'inbox' && (after.role !== 'inbox' || after.parent !== null)) return failure('forbidden', 'the Inbox stays');
    changes.push({ before, after });
  }
  for (const { before, after } of changes) {
    if (KEYS.some((key) => after[key] !== before[key])) ledger.putMailbox({ ...after, propertiesModseq: ledger.modseq });
  }
  const refused = changes.map(({ after }) => check(ledger, after)).find((failed) => failed !== null);
  if (refused) for (const { before } of changes) ledger.putMailbox(before);
  return refused ?? { ok: true };
}

const KEYS = ['parent', 'name', 'role', 'subscribed', 'sortOrder'] as const;

function changed(before: MailboxState, { mailbox: _id, ...given }: UpdateAll['updates'][number]): MailboxState {
  const changes = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<MailboxState>;
  return { ...before, ...changes, name: (changes.name ?? before.name).normalize('NFC') };
}

/** The ledger must hold every email of the mailbox; a mailbox with more than was read answers `tooLarge`. */
export function destroyMailbox({ ledger }: OperationContext, operation: Destroy): OperationResult {
  const mailbox = ledger.mailbox(operation.mailbox);
  if (!mailbox) return failure('notFound', 'mailbox');
  if (mailbox.role === 'inbox') return failure('forbidden', 'the Inbox stays');
  if (ledger.mailboxes().some(({ parent }) => parent === mailbox.id)) return failure('mailboxHasChild');
  const held = ledger.emailsIn(mailbox.id);
  const visible = held.some((email) => present(email).some((place) => place.mailbox === mailbox.id && !place.deleted));
  if (!operation.expungeEmails && (visible || mailbox.emails > 0)) return failure('mailboxHasEmail');
  const places = held.flatMap((email) =>
    present(email)
      .filter((place) => place.mailbox === mailbox.id)
      .map(({ uid }) => ({ email, uid })),
  );
  if (places.length < mailbox.messages) return failure('tooLarge', 'the mailbox holds more than one change can remove');
  for (const { email, uid } of places) ledger.expunge(email, mailbox.id, uid);
  const gone = ledger.mailbox(mailbox.id) ?? mailbox;
  ledger.putMailbox({ ...gone, propertiesModseq: ledger.modseq, destroyedModseq: ledger.modseq });
  return { ok: true };
}

function check(ledger: Ledger, mailbox: Checked): OperationResult | null {
  return checkName(mailbox.name) ?? checkParent(ledger, mailbox) ?? checkSiblings(ledger, mailbox) ?? checkRole(ledger, mailbox);
}

/** RFC 8621 §2: Net-Unicode (RFC 5198), so no control characters. */
function checkName(name: string): OperationResult | null {
  const octets = new TextEncoder().encode(name).length;
  const isText = name.trim() !== '' && octets <= NAME_OCTETS_MAX && name.isWellFormed() && !/[\p{Cc}\u2028\u2029]/u.test(name);
  return isText ? null : failure('invalid', 'name');
}

function checkParent(ledger: Ledger, { id, parent }: Checked): OperationResult | null {
  let depth = 1;
  for (let above = parent; above !== null; above = ledger.mailbox(above)?.parent ?? null) {
    if (above === id || !ledger.mailbox(above)) return failure('invalid', 'parent');
    if (++depth > DEPTH_MAX) return failure('invalid', 'too many levels');
  }
  return null;
}

/** INBOX is one name however it is written (RFC 9051 §5.1). */
function checkSiblings(ledger: Ledger, { id, parent, name }: Checked): OperationResult | null {
  const same = (other: string) => other === name || (parent === null && /^inbox$/i.test(other) && /^inbox$/i.test(name));
  const taken = ledger.mailboxes().some((other) => other.id !== id && other.parent === parent && same(other.name));
  return taken ? failure('alreadyExists', 'name') : null;
}

function checkRole(ledger: Ledger, { id, role }: Checked): OperationResult | null {
  if (role === null) return null;
  if (!(ROLES as readonly string[]).includes(role)) return failure('invalid', 'role');
  return ledger.mailboxes().some((other) => other.id !== id && other.role === role) ? failure('alreadyExists', 'role') : null;
}
