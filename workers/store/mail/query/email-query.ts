/** What an Email/query asks of the store (RFC 8621 §4.4), ids resolved, and what it gets. Text goes through `shared/search.ts`. */
import type { EMAIL_SORTS } from '../../../../shared/jmap/capabilities.ts';
import type { EmailCondition } from '../../../../shared/jmap/email/query.ts';
import type { Comparator, FilterTree } from '../../../../shared/jmap/query.ts';

export type EmailFilter = FilterTree<EmailCondition>;
export type EmailSort = Comparator<(typeof EMAIL_SORTS)[number]>;
export interface EmailQuery {
  filter: EmailFilter | null;
  sort: EmailSort[];
  collapseThreads: boolean;
  /** May be negative: from the end. Ignored with an anchor. */
  position: number;
  anchor?: number;
  anchorOffset?: number;
  limit: number;
  calculateTotal: boolean;
}
/** Null: the anchor is not in the results (`anchorNotFound`). */
export type EmailQueryResult = { ids: number[]; position: number; total?: number } | null;
/** RFC 8620 §5.6: what to take out of an old list, and what to put into it then, by rising index. */
export interface QueryChanges {
  removed: number[];
  added: { id: number; index: number }[];
  newState: string;
  total?: number;
}
