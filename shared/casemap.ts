/**
 * i;unicode-casemap (RFC 5051), the collation of IMAP's SEARCH, SORT and THREAD (RFC 5255 §4.1, RFC 5256): letters without
 * regard to case, what Unicode writes in several ways in one way. Casemapped texts are compared and searched as they are.
 */

/** What JavaScript's full case mapping would make longer; RFC 5051 knows only mappings of one character to one. */
const GROWS = /[\u00df\u0149\u01f0\u0390\u03b0\u0587\u1e96-\u1e9a\u1f50-\u1fff\ufb00-\ufb17]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
const ASCII = /^[\x00-\x7f]*$/;

/** Equal for texts that differ only in case or composition. `é` becomes `E` and an accent, so that `e` is found in it. */
export function casemap(text: string): string {
  if (ASCII.test(text)) return text.toUpperCase();
  return (GROWS.test(text) ? eachToUpper(text) : text.toUpperCase()).normalize('NFKD');
}

function eachToUpper(text: string): string {
  let mapped = '';
  for (const character of text) {
    const upper = character.toUpperCase();
    mapped += upper.length === character.length ? upper : character;
  }
  return mapped;
}
