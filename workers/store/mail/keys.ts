/**
 * Keys of rows: `account * 2^32 + id`. Doors see the small id, tables hold the key, so asking for a foreign
 * account's row is impossible by arithmetic (docs/decisions/0002-index-keys.md).
 */
const SPAN = 2 ** 32;

/** Accounts below this keep keys inside the safe integers (2^20 · 2^32 = 2^52). */
export const ACCOUNT_MAX = 2 ** 20 - 1;

/** The key of an account's row; ids that cannot exist give -1, which matches nothing. */
export function keyOf(account: number, id: number): number {
  return Number.isInteger(id) && id > 0 && id < SPAN ? account * SPAN + id : -1;
}

/** The account's own id of a key. */
export function idOf(key: number): number {
  return key % SPAN;
}

/** First and last key an account can have. */
export function keyRange(account: number): [number, number] {
  return [account * SPAN, account * SPAN + SPAN - 1];
}

/** Keys of many ids as the JSON that `json_each(?)` takes. */
export function keysJson(account: number, ids: Iterable<number>): string {
  return JSON.stringify([...new Set(ids)].map((id) => keyOf(account, id)));
}
