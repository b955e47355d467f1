/** From the patches of an Email/set to operations of the store (RFC 8621 §4.6, RFC 8620 §5.3). */
import type { EmailPatch } from '../../../shared/jmap/email/patch.ts';
import { readEmailPatch } from '../../../shared/jmap/email/patch.ts';
import { emailPlan, isEmailProperty } from '../../../shared/jmap/email/properties.ts';
import { isSameJson } from '../../../shared/jmap/equal.ts';
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { invalidProperties, MethodError, rateLimit } from '../../../shared/jmap/errors.ts';
import { decodeId } from '../../../shared/jmap/ids.ts';
import { isObject, own } from '../../../shared/jmap/readers.ts';
import type { SetArguments, SetOutcome } from '../../../shared/jmap/set.ts';
import { realUpdates } from '../../../shared/jmap/set.ts';
import type { AppliedOperation } from '../../store/mail/operations/applied.ts';
import { TOO_MANY_MAILBOXES } from '../../store/mail/operations/applied.ts';
import type { EmailRow } from '../../store/mail/types.ts';
import type { JmapContext } from '../context.ts';
import { emailObject, ReadBudget } from './object.ts';
import { storedEmail } from './stored.ts';

/** One record's change: its operations, and where its fate is written. */
export interface EmailChange {
  email: number;
  operations: AppliedOperation[];
  settle(error: SetError | null): void;
}

/** A patch that was read, or why it is refused if its email is there. */
interface Update {
  id: string;
  email: number;
  patch: EmailPatch | SetError;
}

/** What an email costs in messages whose original is read to compare what a client sends back. */
const COMPARISON_COST = 2;

/** The changes of all valid patches; the others are settled in `outcome` already. */
export async function planUpdates(context: JmapContext, set: SetArguments, outcome: SetOutcome): Promise<EmailChange[]> {
  const updates: Update[] = [];
  for (const [id, json] of realUpdates(set.update, context.createdIds)) {
    const email = decodeId('Email', id);
    const patch: EmailPatch | SetError = set.destroy.includes(id) ? { type: 'willDestroy' } : readEmailPatch(json, context.createdIds);
    if (email === null) outcome.notUpdated.set(id, { type: 'notFound' });
    else updates.push({ id, email, patch });
  }
  const closer = updates.filter(needsRow).map(({ email }) => email);
  const rows = new Map((closer.length === 0 ? [] : await context.emails(closer)).map((row) => [row.id, row]));
  const compare = comparer(context);
  const changes: EmailChange[] = [];
  for (const { id, email, patch } of updates) {
    const row = rows.get(email);
    const refusal = needsRow({ id, email, patch }) ? await refuse(patch, row, compare) : null;
    if (refusal) outcome.notUpdated.set(id, refusal);
    else if (!('type' in patch)) changes.push(changeOf(id, email, patch, outcome));
  }
  return changes;
}

/** Properties that cannot change have to be compared; what changes nothing, or is refused, may name no email. */
function needsRow({ patch }: Update): boolean {
  return 'type' in patch || Object.keys(patch.rest).length > 0 || (patch.keywords === null && patch.mailboxes === null);
}

async function refuse(patch: EmailPatch | SetError, row: EmailRow | undefined, compare: Compare): Promise<SetError | null> {
  if (!row) return { type: 'notFound' };
  if ('type' in patch) return patch;
  return Object.keys(patch.rest).length > 0 ? compare(row, patch.rest) : null;
}

type Compare = (row: EmailRow, given: Json) => Promise<SetError | null>;

/** Finds the properties given that cannot change and are not what they were. */
function comparer(context: JmapContext): Compare {
  const { mail } = context;
  const budget = new ReadBudget();
  return async (row, given) => {
    const names = Object.keys(given);
    const known = names.filter(isEmailProperty);
    if (known.some(isInOriginal) && !context.take(COMPARISON_COST)) return rateLimit();
    const body = { bodyProperties: partNames(given), fetchTextBodyValues: false, fetchHTMLBodyValues: false, fetchAllBodyValues: true };
    try {
      const plan = emailPlan({ properties: known, ...body, maxBodyValueBytes: 0 }, []);
      const current = await emailObject(storedEmail(mail, row), plan, budget);
      const wrong = names.filter((name) => !known.includes(name) || !isUnchanged(name, own(given, name), own(current, name)));
      return wrong.length > 0 ? invalidProperties(wrong) : null;
    } catch (error) {
      if (error instanceof MethodError) return invalidProperties(names, error.description);
      throw error;
    }
  };
}

/** True for a property that the index may not have. */
function isInOriginal(name: string): boolean {
  return name === 'headers' || name === 'bodyValues' || name.startsWith('header:');
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
  if (!part) return null;
  // A structure has `subParts` whether they were asked for or not; only when they were do its leaves say that they have none.
  const names = Object.keys(part).filter((name) => name !== 'subParts');
  return JSON.stringify(lists).includes('"subParts":null') ? [...names, 'subParts'] : names;
}

function changeOf(id: string, email: number, { keywords, mailboxes }: EmailPatch, outcome: SetOutcome): EmailChange {
  const change = { email, ...(keywords ? { keywords } : {}), ...(mailboxes ? { mailboxes } : {}) };
  return {
    email,
    operations: keywords || mailboxes ? [{ op: 'updateEmails', changes: [change] }] : [],
    settle: (error) => {
      if (error) outcome.notUpdated.set(id, updateError(error));
      else outcome.updated.set(id, null);
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
