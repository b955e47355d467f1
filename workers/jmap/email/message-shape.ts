/** Whether octets are a message at all (RFC 5322 §2.1): what Email/parse and Email/import refuse. */
import { byteString } from '../../../shared/mime/octets.ts';

/** Octets of the beginning that are looked at. */
const LOOKED_AT_MAX = 1000;

/** A message begins with a header field (after mbox's own line, which some programs leave), or with the empty line of one without any. */
export function looksLikeMessage(head: Uint8Array): boolean {
  const start = byteString(head, 0, Math.min(head.length, LOOKED_AT_MAX));
  return /^(From [^\r\n]*\r?\n)?[!-9;-~]{1,200}[ \t]*:/.test(start) || /^\r?\n/.test(start);
}
