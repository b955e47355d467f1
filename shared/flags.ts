/**
 * IMAP flags and JMAP keywords are one set with two spellings (RFC 8621 §4.1.1): `\Seen` is `$seen`.
 * Keywords are kept in JMAP's form, lower case, because both protocols compare them without case.
 * `\Deleted` belongs to a placement and has no keyword; `\Recent` is not kept at all (RFC 9051 §2.3.2).
 */
const SYSTEM = [
  ['\\Answered', '$answered'],
  ['\\Flagged', '$flagged'],
  ['\\Draft', '$draft'],
  ['\\Seen', '$seen'],
] as const;

/** Keywords one email may have: beyond it a client is misusing them (each travels with every listing). */
export const KEYWORDS_PER_EMAIL_MAX = 64;
/** RFC 8621 §4.1.1: 1 to 255 characters. */
export const KEYWORD_LENGTH_MAX = 255;

/** A keyword in JMAP's form (RFC 8621 §4.1.1): ASCII %x21–%x7e but `( ) { ] % * " \`. */
export function isKeyword(text: string): boolean {
  return text.length <= KEYWORD_LENGTH_MAX && /^[!#$&'+,\-./0-9:;<=>?@A-Z[^_`a-z|}~]+$/.test(text);
}

/** IMAP flag → keyword; null for `\Deleted`, `\Recent` and other backslashed flags, which are no keywords. */
export function keywordOfFlag(flag: string): string | null {
  if (!flag.startsWith('\\')) return flag.toLowerCase();
  const wanted = flag.toLowerCase();
  return SYSTEM.find(([imap]) => imap.toLowerCase() === wanted)?.[1] ?? null;
}

/** Keyword → IMAP flag. */
export function flagOfKeyword(keyword: string): string {
  return SYSTEM.find(([, jmap]) => jmap === keyword)?.[0] ?? IMAP_SPELLING.get(keyword) ?? keyword;
}

/** Registered keywords that clients expect in this spelling (IANA IMAP keywords registry). */
const IMAP_SPELLING = new Map(
  ['$Forwarded', '$MDNSent', '$Junk', '$NotJunk', '$Phishing', '$Important', '$SubmitPending', '$Submitted', 'NonJunk', 'Junk'].map(
    (keyword) => [keyword.toLowerCase(), keyword] as const,
  ),
);
