/**
 * Sort criteria (RFC 5256 §3 SORT, RFC 5957 SORT=DISPLAY): read, and applied to what a search found. Texts compare casemapped, the
 * empty one first; equal messages stay in mailbox order.
 */
import { requireOn } from '../capabilities.ts';
import type { Client } from '../client.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';
import type { Scope } from './evaluate.ts';
import { indices, sortByRank } from './ranks.ts';
import { isSortKey, type SortKeyName } from './sort-keys.ts';
import type { Uids } from './uids.ts';

/** Criteria of one command: there are ten, and each may be reversed. */
const CRITERIA_MAX = 20;

export interface Criterion {
  name: SortKeyName;
  reverse: boolean;
}

/** `(REVERSE DATE SUBJECT)` */
export function readCriteria(args: Arguments, client: Client): Criterion[] {
  const criteria: Criterion[] = [];
  let reverse = false;
  args.list(() => {
    const name = args.word('a sort criterion');
    if (name === 'REVERSE' && !reverse) {
      reverse = true;
      return;
    }
    if (name.startsWith('DISPLAY')) requireOn(client, 'SORT=DISPLAY');
    if (!isSortKey(name) || criteria.length >= CRITERIA_MAX) throw new Malformed('Unknown sort criterion');
    criteria.push({ name, reverse });
    reverse = false;
  });
  if (criteria.length === 0 || reverse) throw new Malformed('No sort criterion');
  return criteria;
}

/** The order of `uids` (ascending), as their indices: by the last criterion first, because what is equal stays as it stands. */
export async function sortOrder(scope: Scope, uids: Uids, criteria: readonly Criterion[]): Promise<Uint32Array<ArrayBuffer>> {
  let order = indices(uids.length);
  for (const { name, reverse } of criteria.toReversed()) {
    order = sortByRank(order, await scope.box.orders.ranks(scope, uids, name), reverse);
    await scope.pause();
  }
  return order;
}
