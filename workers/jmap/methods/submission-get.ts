/** EmailSubmission/get (RFC 8621 §7.1): what was sent, to whom, and what became of it. */
import { getAnswer, pick, readGet } from '../../../shared/jmap/get.ts';
import { decodeId, encodeId } from '../../../shared/jmap/ids.ts';
import type { Method } from '../context.ts';
import { SUBMISSION_PROPERTIES, submissionObject } from '../submission/object.ts';

export const submissionGet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const { ids, properties } = readGet(args, SUBMISSION_PROPERTIES);
  const { EmailSubmission: state } = await context.states();
  const wanted = ids?.flatMap((id) => decodeId('EmailSubmission', id) ?? []) ?? null;
  const rows = wanted?.length === 0 ? [] : await context.mail.submissions(wanted);
  const found = new Map(rows.map((row) => [encodeId('EmailSubmission', row.id), pick(submissionObject(row), properties)]));
  return getAnswer(accountId, state, ids, found);
};
