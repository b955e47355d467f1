/** From the patches of an Email/set to operations of the store (RFC 8621 §4.6, RFC 8620 §5.3). */
import type { EmailPatch } from '../../../shared/jmap/email/patch.ts';
import { readEmailPatch } from '../../../shared/jmap/email/patch.ts';
import { emailPlan } from '../../../shared/jmap/email/properties.ts';
import { isSameJson } from '../../../shared/jmap/equal.ts';
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { invalidProperties, MethodError } from '../../../shared/jmap/errors.ts';
import { decodeId } from '../../../shared/jmap/ids.ts';
import { isObject, own } from '../../../shared/jmap/readers.ts';
import type { SetArguments, SetOutcome } from '../../../shared/jmap/set.ts';
import { realId } from '../../../shared/jmap/set.ts';
import type { AppliedOperation, EmailRow } from '../../store/mail/types.ts';
import { TOO_MANY_MAILBOXES } from '../../store/mail/types.ts';
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
  const closer = updates.filter(needsRow).map(({ email }) => email);
  const rows = new Map((closer.length === 0 ? [] : await context.emails(closer)).map((row) => [row.id, row]));
  const changes: EmailChange[] = [];
  for (const update of updates) {
    const refusal = needsRow(update) ? await refuse(context, update, rows.get(update.email)) : null;
    if (refusal) outcome.notUpdated.set(update.key, refusal);
    else changes.push(changeOf(update, outcome));
  }
  return changes;
}

/** A patch with properties that cannot change has to be compared; one without any change may name no email. */
function needsRow({ patch }: Update): boolean {
  return Object.keys(patch.rest).length > 0 || (patch.keywords === null && patch.mailboxes === null);
}

async function refuse(context: JmapContext, { patch }: Update, row: EmailRow | undefined): Promise<SetError | null> {
  if (!row) return { type: 'notFound' };
  return Object.keys(patch.rest).length > 0 ? changedProperties(context, row, patch) : null;
}

/** Properties given that cannot change and are not what they were. */
async function changedProperties(context: JmapContext, row: EmailRow, { rest }: EmailPatch): Promise<SetError | null> {
  const names = Object.keys(rest);
  try {
    const body = { bodyProperties: partNames(rest), fetchTextBodyValues: false, fetchHTMLBodyValues: false, fetchAllBodyValues: true };
    const plan = emailPlan({ properties: names, ...body, maxBodyValueBytes: 0 }, []);
    const current = await emailObject(storedEmail(context.mail, row), plan);
    const wrong = names.filter((name) => !isUnchanged(name, own(rest, name), own(current, name)));
    return wrong.length > 0 ? invalidProperties(wrong) : null;
  } catch (error) {
    if (error instanceof MethodError) return invalidProperties(names, error.description);
    throw error;
  }
}

/** Of `bodyValues` a client has as many as it asked for. */
function isUnchanged(name: string, given: unknown, current: unknown): boolean {
  if (name !== 'bodyValues' || !isObject(given) || !isObject(current)) return isSameJson(given, current);
  return Object.entries(given).every(([partId, value]) => isSameJson(value, own(current, partId)));
}

/** The properties of parts that the client had asked for, seen from one that it sends back; null where it sends none. */
function partNames(rest: Json): string[] | null {
  const lists = [rest.bodyStructure, rest.textBody, rest.htmlBody, rest.attachments].flat();
  const part = lists.find(isObject);
  // `subParts` are in every structure, asked for or not.
  return part ? Object.keys(part).filter((name) => name !== 'subParts') : null;
}

function changeOf({ key, email, patch }: Update, outcome: SetOutcome): EmailChange {
  const { keywords, mailboxes } = patch;
  const change = { email, ...(keywords ? { keywords } : {}), ...(mailboxes ? { mailboxes } : {}) };
  return {
    email,
    operations: keywords || mailboxes ? [{ op: 'updateEmails', changes: [change] }] : [],
    settle: (error) => {
      if (error) outcome.notUpdated.set(key, updateError(error));
      else outcome.updated.set(key, null);
    },
  };
}

/** Why the store refused, in the words of RFC 8621 §4.6. Keywords were checked when the patch was read. */
function updateError(error: SetError): SetError {
  if (error.type === 'tooLarge')
    return { ...error, type: error.description === TOO_MANY_MAILBOXES ? 'tooManyMailboxes' : 'tooManyKeywords' };
  const isMailbox = error.type === 'invalidProperties' || (error.type === 'notFound' && error.description !== undefined);
  return isMailbox ? invalidProperties(['mailboxIds'], error.description) : error;
}
