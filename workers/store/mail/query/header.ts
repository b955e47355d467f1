/**
 * `header` conditions (RFC 8621 §4.4.1). Values have to be decoded before they are compared, which SQL cannot, so the emails
 * that match are found first, by a walk over the account's kept header fields. It reads one row per email: slow on
 * purpose, rare in practice. Only kept fields (KEPT_FIELDS) can be looked for. When more emails have the field than a request can
 * look at, the filter is refused: a part of the answer would be a wrong one, under NOT above all.
 */
import { headerValues, parseHeaderBlock, unfold } from '../../../../shared/mime/headers.ts';
import { decodeWords } from '../../../../shared/mime/words.ts';
import { keyRange } from '../keys.ts';
import type { EmailCondition, EmailFilter } from '../types.ts';
import { FilterTooLarge } from './filter.ts';

/** Emails looked at per query: 16 KB of kept headers each at most. */
const WALK_CHUNK = 500;
/** Queries all header conditions of a filter may spend of a request's 50. */
const WALK_CHUNKS_MAX = 30;
/** Emails with the field that can be looked at; more of them make the filter `unsupportedFilter`. */
export const HEADER_EMAILS_MAX = WALK_CHUNK * WALK_CHUNKS_MAX;

/** Every header condition of a filter. */
export function headerConditions(filter: EmailFilter | null): EmailCondition[] {
  if (filter === null) return [];
  if ('operator' in filter) return filter.conditions.flatMap(headerConditions);
  return filter.header ? [filter] : [];
}

/** Keys of the emails that match each condition; throws `FilterTooLarge` when they are too many to look at. */
export async function findHeaderMatches(
  db: D1Database,
  account: number,
  conditions: readonly EmailCondition[],
): Promise<Map<EmailCondition, number[]>> {
  const matches = new Map<EmailCondition, number[]>();
  let chunks = WALK_CHUNKS_MAX;
  for (const condition of conditions) {
    const [name = '', text] = condition.header ?? [''];
    const found = await walk(db, account, [name, text], chunks);
    matches.set(condition, found.keys);
    chunks -= found.chunks;
  }
  return matches;
}

/** Looks at every email that has the field, in at most `chunksMax` queries. */
async function walk(
  db: D1Database,
  account: number,
  [name, text]: [string, string | undefined],
  chunksMax: number,
): Promise<{ keys: number[]; chunks: number }> {
  const keys: number[] = [];
  let [after, last] = keyRange(account);
  const sql = `SELECT key, headers FROM email WHERE key > ?1 AND key <= ?2 AND live = 1
    AND instr(char(10) || lower(headers), char(10) || ?3 || ':') > 0 ORDER BY key LIMIT ${WALK_CHUNK}`;
  for (let chunks = 1; chunks <= chunksMax; chunks++) {
    const { results } = await db.prepare(sql).bind(after, last, name.toLowerCase()).run<{ key: number; headers: string }>();
    keys.push(...results.filter(({ headers }) => matchesHeader(headers, name, text)).map(({ key }) => key));
    if (results.length < WALK_CHUNK) return { keys, chunks };
    after = results.at(-1)?.key ?? last;
  }
  throw new FilterTooLarge(`more than ${HEADER_EMAILS_MAX} emails have the fields of the header conditions`);
}

function matchesHeader(headers: string, name: string, text: string | undefined): boolean {
  const values = headerValues(parseHeaderBlock(headers), name.toLowerCase());
  if (text === undefined) return values.length > 0;
  const wanted = text.toLowerCase();
  return values.some((value) => decodeWords(unfold(value)).toLowerCase().includes(wanted));
}
