/**
 * What emails are sorted by beside dates and sizes: the first sender's and recipient's name or address and the base
 * subject (RFC 8621 §4.4.2, RFC 5256 §2.1, RFC 5957), folded so that SQLite's binary order is the collation's.
 */
import { mailboxesOf, parseAddressList } from '../../../shared/mime/addresses.ts';
import { type HeaderField, lastHeaderValue, parseHeaderBlock } from '../../../shared/mime/headers.ts';
import type { MessageIndex } from '../../../shared/mime/index-types.ts';

/** Characters of a sort key: more never decides between two mails that people tell apart. */
const SORT_KEY_MAX = 64;

export function sortKeys(index: MessageIndex): { sortFrom: string; sortTo: string; sortSubject: string } {
  const fields = parseHeaderBlock(index.headers);
  return {
    sortFrom: fold(firstPerson(fields, 'from')),
    sortTo: fold(firstPerson(fields, 'to')),
    sortSubject: fold(baseSubject(index.subject)),
  };
}

/** Name or address of the first one in the field; empty without one. */
function firstPerson(fields: readonly HeaderField[], field: string): string {
  const [first] = mailboxesOf(parseAddressList(lastHeaderValue(fields, field) ?? ''));
  return first ? first.name || first.email : '';
}

function fold(text: string): string {
  return text.toWellFormed().replaceAll('\0', '').normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().trim().slice(0, SORT_KEY_MAX);
}

/** RFC 5256 §2.1, bounded: each pass takes one artefact off, and a subject has at most 1,000 characters. */
export function baseSubject(subject: string): string {
  let text = subject.trim();
  for (let pass = 0; pass < 20; pass++) {
    const next = text
      .replace(/\s*\(fwd\)$/i, '')
      .replace(/^(re|fwd?|aw|sv|wg|tr|rv|回复|转发)\s*(\[[^[\]]*\])?\s*[:：]\s*/i, '')
      .replace(/^\[[^[\]]*\]\s*(?=\S)/, '')
      .trim();
    if (next === text) break;
    text = next;
  }
  return text;
}
