/** From the patches of an Email/set to operations of the store (RFC 8621 §4.6, RFC 8620 §5.3). */
import type { EmailPatch } from '../../../shared/jmap/email/patch.ts';
import { readEmailPatch } from '../../../shared/jmap/email/patch.ts';
import { emailPlan } from '../../../shared/jmap/email/properties.ts';
import type { SetError } from '../../../shared/jmap/errors.ts';
import { invalidProperties, MethodError } from '../../../shared/jmap/errors.ts';
import { decodeId } from '../../../shared/jmap/ids.ts';
import { own } from '../../../shared/jmap/readers.ts';
import type { SetArguments, SetOutcome } from '../../../shared/jmap/set.ts';
import { realId } from '../../../shared/jmap/set.ts';
import type { AppliedOperation, EmailRow } from '../../store/mail/types.ts';
import type { JmapContext } from '../context.ts';
import { emailObject } from './object.ts';
import { storedEmail } from './stored.ts';

/** One record's change: its operations, and where its fate is written. */
export interface EmailChange {
  email: number;
  operations: AppliedOperation[];
  settle(error: SetError | null): void;
}

/** A patch that was read. */
interface Update {
  key: string;
  email: number;
  patch: EmailPatch;
}

/** What has to be known beyond the patches: asked for only when one of them needs it. */
interface Facts {
  rows: ReadonlyMap<number, EmailRow>;
  mailboxes: ReadonlySet<number>;
}

/** The changes of all valid patches; the others are settled in `outcome` already. */
export async function planUpdates(context: JmapContext, set: SetArguments, outcome: SetOutcome): Promise<EmailChange[]> {
  const updates: Update[] = [];
  for (const [key, json] of set.update) {
    const id = realId(key, context.createdIds);
    const email = decodeId('Email', id);
    const patch: EmailPatch | SetError = set.destroy.includes(id) ? { type: 'willDestroy' } : readEmailPatch(json, context.createdIds);
    if (email === null) outcome.notUpdated.set(key, { type: 'notFound' });
    else if ('type' in patch) outcome.notUpdated.set(key, patch);
    else updates.push({ key, email, patch });
  }
  const facts = await readFacts(context, updates);
  const changes: EmailChange[] = [];
  for (const update of updates) {
    const refusal = await refuse(context, update, facts);
    if (refusal) outcome.notUpdated.set(update.key, refusal);
    else changes.push(changeOf(update, outcome));
  }
  return changes;
}

async function readFacts(context: JmapContext, updates: readonly Update[]): Promise<Facts> {
  const closer = updates.filter(needsRow).map(({ email }) => email);
  const rows = closer.length === 0 ? [] : await context.emails(closer);
  const mailboxes = updates.some(({ patch }) => patch.mailboxes !== null) ? await context.mail.mailboxes() : [];
  return { rows: new Map(rows.map((row) => [row.id, row])), mailboxes: new Set(mailboxes.map(({ id }) => id)) };
}

/** A patch that takes mailboxes away may leave none; one without changes, or with more than changes, must be compared. */
function needsRow({ patch }: Update): boolean {
  return removesOnly(patch) || Object.keys(patch.rest).length > 0 || (patch.keywords === null && patch.mailboxes === null);
}

function removesOnly({ mailboxes }: EmailPatch): boolean {
  return mailboxes !== null && mailboxes.replace === undefined && mailboxes.add.length === 0;
}

async function refuse(context: JmapContext, { email, patch }: Update, facts: Facts): Promise<SetError | null> {
  const row = facts.rows.get(email);
  if (needsRow({ key: '', email, patch }) && !row) return { type: 'notFound' };
  const targets = [...(patch.mailboxes?.add ?? []), ...(patch.mailboxes?.replace ?? [])];
  if (targets.some((id) => !facts.mailboxes.has(id))) return invalidProperties(['mailboxIds'], 'no such mailbox');
  const remove = patch.mailboxes?.remove ?? [];
  if (row && removesOnly(patch) && row.mailboxes.every((id) => remove.includes(id)))
    return invalidProperties(['mailboxIds'], 'an email is in one mailbox at least');
  return row && Object.keys(patch.rest).length > 0 ? changedProperties(context, row, patch) : null;
}

/** Properties given that cannot change and are not what they were. */
async function changedProperties(context: JmapContext, row: EmailRow, { rest }: EmailPatch): Promise<SetError | null> {
  const names = Object.keys(rest);
  try {
    const body = { bodyProperties: null, fetchTextBodyValues: false, fetchHTMLBodyValues: false, fetchAllBodyValues: false };
    const plan = emailPlan({ properties: names, ...body, maxBodyValueBytes: 0 }, []);
    const current = await emailObject(storedEmail(context.mail, row), plan);
    const wrong = names.filter((name) => JSON.stringify(own(current, name)) !== JSON.stringify(own(rest, name)));
    return wrong.length > 0 ? invalidProperties(wrong) : null;
  } catch (error) {
    if (error instanceof MethodError) return invalidProperties(names, error.description);
    throw error;
  }
}

function changeOf({ key, email, patch }: Update, outcome: SetOutcome): EmailChange {
  const operations: AppliedOperation[] = [];
  if (patch.mailboxes) operations.push({ op: 'memberships', changes: [{ email, ...patch.mailboxes }] });
  if (patch.keywords) operations.push({ op: 'patchKeywords', changes: [{ email, ...patch.keywords }] });
  return {
    email,
    operations,
    settle: (error) => {
      if (error) outcome.notUpdated.set(key, keywordLimit(error));
      else outcome.updated.set(key, null);
    },
  };
}

/** The store's word for too many keywords, in JMAP's (RFC 8621 §4.6). */
function keywordLimit(error: SetError): SetError {
  return error.type === 'tooLarge' ? { ...error, type: 'tooManyKeywords' } : error;
}
