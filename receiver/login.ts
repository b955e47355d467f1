/**
 * Turning a name and a password into an account's token, for SMTP AUTH and IMAP alike. The receiver plays
 * the SCRAM client (RFC 5802), so the password never leaves this process (DESIGN.md, invariant 7).
 */

/** A verified user of this receiver. */
export interface LoggedIn {
  account: number;
  /** The account's first address. */
  address: string;
  /** Opaque, for calls to the edge on behalf of the account. */
  token: string;
  /** Epoch milliseconds. */
  expires: number;
}

export interface Login {
  /**
   * Null: wrong. Throws `EdgeUnavailable` when the edge is away and nothing verified this credential within 12 h.
   */
  verify(username: string, password: string, remoteAddress: string): Promise<LoggedIn | null>;
}
