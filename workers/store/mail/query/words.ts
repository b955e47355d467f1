/**
 * All emails of an account that have the words of a text, for IMAP's SEARCH TEXT and BODY where a mirror cannot look for itself
 * (RFC 9051 §6.4.4): the words in a row, the last of them as a beginning. In the order of the full text's rows, page by page.
 */
import { matchExpression, SEARCH_COLUMNS, type SearchColumn, type SearchTerm, searchTerms } from '../../../../shared/search.ts';
import type { Env } from '../../../env.ts';
import { mailDatabase } from '../database.ts';
import { EMAIL_OF_ROW, HOUR_OF_ROW, inHours, textRow } from '../text-rows.ts';
import type { Account } from '../types.ts';

/** Hits of one page: a row read each, and 35 KB of answer. */
const PAGE = 5000;

export type WordScope = 'text' | 'body';
/** `words`: there are any in the text. `next`: the cursor of the next page, null after the last. */
export interface WordHits {
  words: boolean;
  emails: number[];
  next: string | null;
}

/** `after`: '' for the first page; a cursor that is none begins at the first page too. */
export async function searchWords(env: Env, { id, shard }: Account, scope: WordScope, text: string, after: string): Promise<WordHits> {
  const columns: readonly SearchColumn[] = scope === 'body' ? ['body'] : SEARCH_COLUMNS;
  const match = matchExpression(id, phrase(text), columns);
  if (match === null) return { words: false, emails: [], next: null };
  const [, hour, email] = /^(\d{1,6})-(\d{1,8})$/.exec(after) ?? [];
  const beyond = hour === undefined || email === undefined ? '' : ` AND rowid > ${textRow(id, Number(hour), Number(email))}`;
  const sql = `SELECT ${HOUR_OF_ROW} AS hour, ${EMAIL_OF_ROW} AS id FROM email_text
    WHERE email_text MATCH ?1 AND ${inHours(id)}${beyond} ORDER BY rowid LIMIT ${PAGE}`;
  const { results } = await mailDatabase(env, shard).prepare(sql).bind(match).run<{ hour: number; id: number }>();
  const last = results.length === PAGE ? results.at(-1) : undefined;
  return { words: true, emails: results.map((row) => row.id), next: last ? `${last.hour}-${last.id}` : null };
}

/** Quotes mean nothing to IMAP. */
function phrase(text: string): SearchTerm[] {
  return searchTerms(`"${text.replace(/["\\]/g, ' ')}"`).map(({ tokens }) => ({ tokens, open: true }));
}
