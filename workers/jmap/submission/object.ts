/** The EmailSubmission object (RFC 8621 §7), made from its row. */
import { utcDate } from '../../../shared/jmap/dates.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import { encodeBlobId, encodeId } from '../../../shared/jmap/ids.ts';
import type { ReportKind, SubmissionRow } from '../../store/mail/submission-rows.ts';

export const SUBMISSION_PROPERTIES = [
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

/** An id that names nothing: for what was submitted without a copy, since `emailId` and `threadId` are never null (RFC 8621 §7). */
const NOTHING = 0;

/** The object; an email destroyed since keeps its id here. */
export function submissionObject(row: SubmissionRow): Json {
  const blobIds = (wanted: ReportKind) => row.reports.flatMap(({ kind, sha256 }) => (kind === wanted ? encodeBlobId({ sha256 }) : []));
  return {
    id: encodeId('EmailSubmission', row.id),
    identityId: encodeId('Identity', row.identity),
    emailId: encodeId('Email', row.email ?? NOTHING),
    threadId: encodeId('Thread', row.thread ?? NOTHING),
    envelope: envelopeObject(row),
    sendAt: utcDate(row.sendAt),
    undoStatus: row.undoStatus,
    deliveryStatus: row.deliveryStatus,
    dsnBlobIds: blobIds('dsn'),
    mdnBlobIds: blobIds('mdn'),
  };
}

export function envelopeObject({ mailFrom, parameters, rcptTo }: Pick<SubmissionRow, 'mailFrom' | 'parameters' | 'rcptTo'>): Json {
  return { mailFrom: { email: mailFrom, parameters }, rcptTo: rcptTo.map((email) => ({ email, parameters: null })) };
}
