/** The store's full text as a mirror asks it: page by page, all emails that have the words (shared/protocol.ts, `SearchAnswer`). */
import type { SearchAnswer } from '../../shared/protocol.ts';
import { Refusal } from '../imap/session.ts';

/** Emails of one answer: a text that more than these have is not looked for, it is everywhere. */
const MATCHES_MAX = 200_000;

/** Ids of the emails; null when the text has no word. `page` asks for what follows a cursor, '' at first. */
export async function fullTextMatches(page: (after: string) => Promise<SearchAnswer>): Promise<ReadonlySet<number> | null> {
  const emails = new Set<number>();
  for (let after = ''; ; ) {
    const answer = await page(after);
    if (!answer.words) return null;
    for (const email of answer.emails) emails.add(email);
    if (answer.next === null) return emails;
    if (emails.size > MATCHES_MAX || answer.next === after) throw new Refusal('LIMIT', 'Too many messages have these words');
    after = answer.next;
  }
}
