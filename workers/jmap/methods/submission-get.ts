/** EmailSubmission/get (RFC 8621 §7.1): what was sent, to whom, and what became of it. */
import type { Json } from '../../../shared/jmap/errors.ts';
import { getAnswer, pick, readGet } from '../../../shared/jmap/get.ts';
import { decodeId, encodeId } from '../../../shared/jmap/ids.ts';
import type { SubmissionRow } from '../../store/mail/types.ts';
import type { Method } from '../context.ts';

const PROPERTIES = [
  'id',
  'identityId',
  'emailId',
  'threadId',
  'envelope',
  'sendAt',
  'undoStatus',
  'deliveryStatus',
  'dsnBlobIds',
  'mdnBlobIds',
];

export const submissionGet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const { ids, properties } = readGet(args, PROPERTIES);
  const { EmailSubmission: state } = await context.states();
  const wanted = ids?.flatMap((id) => decodeId('EmailSubmission', id) ?? []) ?? null;
  const rows = wanted?.length === 0 ? [] : await context.mail.submissions(wanted);
  const found = new Map(rows.map((row) => [encodeId('EmailSubmission', row.id), pick(submissionObject(row), properties)]));
  return getAnswer(accountId, state, ids, found);
};

/** An id that names nothing: for what was submitted without a copy, since `emailId` and `threadId` are never null (RFC 8621 §7). */
const NOTHING = 0;

/** The object; an email destroyed since keeps its id here. */
function submissionObject(row: SubmissionRow): Json {
  const address = (email: string) => ({ email, parameters: null });
  return {
    id: encodeId('EmailSubmission', row.id),
    identityId: encodeId('Identity', row.identity),
    emailId: encodeId('Email', row.email ?? NOTHING),
    threadId: encodeId('Thread', row.thread ?? NOTHING),
    envelope: { mailFrom: address(row.mailFrom), rcptTo: row.rcptTo.map(address) },
    sendAt: `${new Date(row.sendAt).toISOString().slice(0, 19)}Z`,
    undoStatus: row.undoStatus,
    deliveryStatus: row.deliveryStatus,
    dsnBlobIds: [],
    mdnBlobIds: [],
  };
}
