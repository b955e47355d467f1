/**
 * The GS2 header that opens SCRAM and OAUTHBEARER (RFC 5801 §4, RFC 5802 §7, RFC 7628 §3.1): whether and how the client
 * binds itself to the TLS channel, and whom it wants to act for.
 */

export interface Gs2 {
  /** `n`: the client cannot bind; `y`: it could, and thinks that we cannot; else the type of `p=`. */
  binding: 'n' | 'y' | { type: string };
  /** Decoded; null when absent. */
  authzid: string | null;
  /** The header itself, both commas included: what `c=` repeats. */
  header: string;
  /** What follows it. */
  rest: string;
}

const HEADER = /^(?:(n)|(y)|p=([A-Za-z0-9.-]{1,64})),(?:a=([^,]{1,1024}))?,/;

/** Null when the message does not begin with a header. */
export function readGs2(message: string): Gs2 | null {
  const found = HEADER.exec(message);
  if (!found) return null;
  const authzid = found[4] === undefined ? null : decodeSaslName(found[4]);
  if (found[4] !== undefined && authzid === null) return null;
  const binding = found[1] ? 'n' : found[2] ? 'y' : { type: found[3] ?? '' };
  return { binding, authzid, header: found[0], rest: message.slice(found[0].length) };
}

/** `=2C` and `=3D` are the comma and the equals sign; null for any other use of `=` (RFC 5802 §5.1). */
export function decodeSaslName(name: string): string | null {
  if (/=(?!2C|3D)/.test(name)) return null;
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=');
}
