/** Email/get (RFC 8621 §4.2). One query for the rows; originals are read only for what the index does not hold. */

import { GET_OBJECTS_MAX } from '../../../shared/jmap/capabilities.ts';
import { BODY_FIELDS, EMAIL_DEFAULTS, emailPlan } from '../../../shared/jmap/email/properties.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import { MethodError } from '../../../shared/jmap/errors.ts';
import { distinctIds, GET_FIELDS, getAnswer } from '../../../shared/jmap/get.ts';
import { decodeId, encodeId } from '../../../shared/jmap/ids.ts';
import { readArguments } from '../../../shared/jmap/readers.ts';
import type { EmailRow } from '../../store/mail/types.ts';
import type { JmapContext, Method } from '../context.ts';
import { emailObject, ReadBudget } from '../email/object.ts';
import { storedEmail } from '../email/stored.ts';

/** Emails worked on at a time: a Worker may hold six connections. */
const CONCURRENT_EMAILS = 6;

export const emailGet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const read = readArguments(args, { ...GET_FIELDS, ...BODY_FIELDS });
  const ids = distinctIds(read.ids);
  const plan = emailPlan(read, EMAIL_DEFAULTS);
  const [{ Email: state }, rows] = await Promise.all([context.states(), readRows(context, ids)]);
  const found = new Map<string, Json>();
  const budget = new ReadBudget();
  for (let at = 0; at < rows.length; at += CONCURRENT_EMAILS) {
    const some = rows.slice(at, at + CONCURRENT_EMAILS);
    const objects = await Promise.all(some.map((row) => emailObject(storedEmail(context.mail, row), plan, budget)));
    some.forEach((row, index) => {
      const id = encodeId('Email', row.id);
      found.set(id, { id, ...objects[index] });
    });
  }
  return getAnswer(accountId, state, ids, found);
};

async function readRows(context: JmapContext, ids: readonly string[] | null): Promise<EmailRow[]> {
  const wanted = ids === null ? await allIds(context) : ids.flatMap((id) => decodeId('Email', id) ?? []);
  return wanted.length === 0 ? [] : context.emails(wanted);
}

/** Every email of the account, when they are few enough for one answer. */
async function allIds(context: JmapContext): Promise<number[]> {
  const limit = GET_OBJECTS_MAX + 1;
  const result = await context.mail.query({ filter: null, sort: [], collapseThreads: false, position: 0, limit, calculateTotal: false });
  const ids = result?.ids ?? [];
  if (ids.length > GET_OBJECTS_MAX) throw new MethodError('requestTooLarge', `at most ${GET_OBJECTS_MAX} emails; name the ids`);
  return ids;
}
