/**
 * Encoded words (RFC 2047) that the API leaves as they are, because they stick to other text (`Re:=?gb2312?B?…?=`) or stand in
 * quotes: RFC 8621 §4.1.2.2 forbids a server to decode them, and much mail has them. People are shown what was meant.
 */
import { decodeWords } from '../../../shared/mime/words.ts';
import type { EmailAddress, EmailSummary } from '../jmap/types.ts';

/** One word after another, with or without white space between them. */
const WORDS = /=\?[^?\s]{1,64}\?[bq]\?[ ->@-~]*\?=(?:\s*=\?[^?\s]{1,64}\?[bq]\?[ ->@-~]*\?=)*/gi;

/** The text with its encoded words decoded, wherever they stand; one that cannot be read stays. */
export function wordsRead(text: string): string {
  return text.includes('=?') ? text.replace(WORDS, decodeWords) : text;
}

const FIELDS = ['from', 'to', 'cc', 'bcc', 'replyTo'] as const;
type Correspondents = Partial<Record<(typeof FIELDS)[number], EmailAddress[] | null>>;

/** An email with its subject and the names in it read. */
export function emailRead<E extends EmailSummary & Correspondents>(email: E): E {
  const read: Correspondents = {};
  for (const field of FIELDS) {
    const addresses = email[field];
    if (addresses)
      read[field] = addresses.map(({ name, email: address }) => ({ name: name === null ? null : wordsRead(name), email: address }));
  }
  return { ...email, subject: email.subject === null ? null : wordsRead(email.subject), ...read };
}
