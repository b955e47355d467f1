/** Full text over one account (DESIGN.md, "full text"): the token that stands for an account in the index. */

/** A word no message's text produces under this column. */
export function accountToken(account: number): string {
  return `a${account}`;
}
