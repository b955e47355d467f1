/** Submissions (RFC 8621 §7), which are the outbox as well: their rows, how they change, and what a query asks of them. */

import type { FilterTree } from '../../../shared/jmap/query.ts';
import type { SubmissionCondition } from '../../../shared/jmap/submission.ts';

export interface DeliveryStatusRow {
  smtpReply: string;
  delivered: 'queued' | 'yes' | 'no' | 'unknown';
  displayed: 'unknown' | 'yes';
}
/** A delivery status notification (RFC 3464) or a message disposition notification (RFC 8098). */
export type ReportKind = 'dsn' | 'mdn';

/** RFC 8621 §7 submission row, which is the outbox. */
export interface SubmissionRow {
  id: number;
  identity: number;
  email: number | null;
  thread: number | null;
  sha256: string;
  mailFrom: string;
  rcptTo: string[];
  /** Of MAIL FROM; null for none. */
  parameters: Record<string, string | null> | null;
  undoStatus: 'pending' | 'final' | 'canceled';
  /** Per recipient, as EmailSubmission/deliveryStatus. */
  deliveryStatus: Record<string, DeliveryStatusRow>;
  /** DSNs and MDNs that came for it, oldest first. */
  reports: { kind: ReportKind; sha256: string }[];
  sendAt: number;
  /** Next attempt, null when nothing is left to do. */
  dueAt: number | null;
  attempts: number;
}
/** What a submission is made of. */
export type NewSubmissionRow = Omit<SubmissionRow, 'id' | 'attempts' | 'parameters' | 'reports'> & {
  parameters?: SubmissionRow['parameters'];
  /** Of its Message-ID (shared/threads.ts), by which reports name it. */
  messageHash?: number | null;
  /** False for what no client submitted (vacation replies, MDNs): it leaves, but JMAP does not see it. */
  isListed?: boolean;
};
/** Recipients' states are merged into what is there. */
export type SubmissionChange = Partial<Pick<SubmissionRow, 'undoStatus' | 'dueAt' | 'attempts'>> & {
  deliveryStatus?: Record<string, Partial<DeliveryStatusRow>>;
};

/** RFC 8621 §7.3, ids resolved; an id that names nothing is left out of its list. */
export type SubmissionFilter = FilterTree<SubmissionCondition>;
export interface SubmissionList {
  filter: SubmissionFilter | null;
  sort: { property: 'emailId' | 'threadId' | 'sentAt'; isAscending: boolean }[];
}
export interface SubmissionQuery extends SubmissionList {
  /** May be negative: from the end. Ignored with an anchor. */
  position: number;
  anchor?: number;
  anchorOffset?: number;
  limit: number;
  calculateTotal: boolean;
}
/** RFC 8620 §5.6: what may have left the list or moved in it, and where what came stands now. */
export interface SubmissionListChanges {
  removed: number[];
  added: { id: number; index: number }[];
  newState: string;
  total?: number;
}
