/**
 * The words of a filter (RFC 8621 §4.4.1: text, from, to, cc, bcc, subject, body) as MATCH expressions of the full text. A word also
 * finds what begins with it: the words that do are looked up first, because FTS5 reads named words in order, as far as a page
 * needs, but has to gather all that "begins with" before it gives the first.
 */

import type { EmailCondition } from '../../../../shared/jmap/email/query.ts';
import {
  accountWord,
  type Expansions,
  matchExpression,
  SEARCH_COLUMNS,
  type SearchColumn,
  searchTerms,
} from '../../../../shared/search.ts';
import { readTogether } from '../database.ts';
import type { EmailFilter } from './email-query.ts';

/** Beginnings that are looked up, and words each may stand for; more are gathered by FTS5, which is slower and as right. */
const BEGINNINGS_MAX = 64;
const EXPANSIONS_MAX = 100;

const TEXT_COLUMNS: Partial<Record<keyof EmailCondition, readonly SearchColumn[]>> = {
  text: SEARCH_COLUMNS,
  from: ['from'],
  to: ['to'],
  cc: ['cc'],
  bcc: ['bcc'],
  subject: ['subject'],
  body: ['body'],
};

/** Whose words they are, and what their beginnings stand for. */
export interface Words {
  account: number;
  expansions: Expansions;
}

/** The expression; null when the text has no word. */
export function matchOf(text: string, columns: readonly SearchColumn[], { account, expansions }: Words): string | null {
  return matchExpression(account, searchTerms(text), columns, expansions);
}

/**
 * The expression of all texts in a conjunction, and what is left of the conditions without them. `match` is null when
 * there is no text, or a text without words.
 */
export function splitText(conditions: readonly EmailCondition[], words: Words): { match: string | null; rest: EmailCondition[] } {
  const matches: string[] = [];
  const rest = conditions.map((condition) => {
    const left: Record<string, unknown> = {};
    for (const [property, value] of Object.entries(condition)) {
      const columns = TEXT_COLUMNS[property as keyof EmailCondition];
      const match = columns && typeof value === 'string' ? matchOf(value, columns, words) : null;
      if (match === null) left[property] = value;
      else matches.push(`(${match})`);
    }
    return left as EmailCondition;
  });
  return {
    match: matches.length > 0 ? matches.join(' AND ') : null,
    rest: rest.filter((condition) => Object.keys(condition).length > 0),
  };
}

/** The expression of a part of a filter that asks for nothing but words; null for any other. */
export function treeMatch(filter: EmailFilter, words: Words): string | null {
  if (!('operator' in filter)) {
    const { match, rest } = splitText([filter], words);
    return rest.length === 0 ? match : null;
  }
  const parts = filter.conditions.map((node) => treeMatch(node, words));
  if (filter.operator === 'NOT' || parts.length === 0 || parts.includes(null)) return null;
  return parts.map((part) => `(${part})`).join(` ${filter.operator} `);
}

/** What the beginnings in a filter stand for. One query when it has any; it reads one row per word. */
export async function readExpansions(db: D1Database, account: number, filter: EmailFilter | null): Promise<Expansions> {
  const beginnings = [...new Set(beginningsOf(filter))].slice(0, BEGINNINGS_MAX).map((token) => accountWord(account, token));
  if (beginnings.length === 0) return new Map();
  const { results } = await readTogether<{ beginning: string; word: string }>(db, db.prepare(EXPAND).bind(JSON.stringify(beginnings)));
  const expansions = new Map(beginnings.map((beginning): [string, string[]] => [beginning, []]));
  for (const { beginning, word } of results) expansions.get(beginning)?.push(word);
  return new Map([...expansions].filter(([, words]) => words.length <= EXPANSIONS_MAX));
}

const NEXT = 'SELECT term FROM email_word WHERE term >=';
const BEGINS = 'substr(word, 1, length(beginning)) = beginning';
/** From word to word: the next one is the first that is not below this one with an octet more. */
const EXPAND = `WITH RECURSIVE found (beginning, word, place) AS (
    SELECT value, (${NEXT} value LIMIT 1), 1 FROM json_each(?1)
    UNION ALL SELECT beginning, (${NEXT} word || char(1) LIMIT 1), place + 1 FROM found WHERE ${BEGINS} AND place <= ${EXPANSIONS_MAX})
  SELECT beginning, word FROM found WHERE ${BEGINS}`;

function beginningsOf(filter: EmailFilter | null): string[] {
  if (filter === null) return [];
  if ('operator' in filter) return filter.conditions.flatMap(beginningsOf);
  return Object.entries(filter).flatMap(([property, value]) => {
    if (!(property in TEXT_COLUMNS) || typeof value !== 'string') return [];
    return searchTerms(value).flatMap(({ tokens, open }) => (open ? tokens.slice(-1) : []));
  });
}
