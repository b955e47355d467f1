/**
 * `header` conditions (RFC 8621 §4.4.1). Values have to be decoded before they are compared, which SQL cannot, so the emails
 * that match are found first, by a walk over the account's kept header fields. It reads one row per email: slow on
 * purpose, rare in practice. Fields that are not kept (KEPT_FIELDS) are not found.
 */
import { headerValues, parseHeaderBlock, unfold } from '../../../../shared/mime/headers.ts';
import { decodeWords } from '../../../../shared/mime/words.ts';
import { keyRange } from '../keys.ts';
import type { EmailCondition, EmailFilter } from '../types.ts';

/** Emails looked at per query: 16 KB of kept headers each at most. */
const WALK_CHUNK = 500;
/** Queries one condition may spend of a request's 50. */
const WALK_CHUNKS_MAX = 30;

/** Every header condition of a filter. */
export function headerConditions(filter: EmailFilter | null): EmailCondition[] {
  if (filter === null) return [];
  if ('operator' in filter) return filter.conditions.flatMap(headerConditions);
  return filter.header ? [filter] : [];
}

/** Keys of the emails that match each condition. */
export async function findHeaderMatches(
  db: D1Database,
  account: number,
  conditions: readonly EmailCondition[],
): Promise<Map<EmailCondition, number[]>> {
  const matches = new Map<EmailCondition, number[]>();
  for (const condition of conditions) {
    const [name = '', text] = condition.header ?? [''];
    matches.set(condition, await walk(db, account, name, text));
  }
  return matches;
}

async function walk(db: D1Database, account: number, name: string, text: string | undefined): Promise<number[]> {
  const keys: number[] = [];
  let [after, last] = keyRange(account);
  const sql = `SELECT key, headers FROM email WHERE key > ?1 AND key <= ?2 AND live = 1
    AND instr(char(10) || lower(headers), char(10) || ?3 || ':') > 0 ORDER BY key LIMIT ${WALK_CHUNK}`;
  for (let chunk = 0; chunk < WALK_CHUNKS_MAX; chunk++) {
    const { results } = await db.prepare(sql).bind(after, last, name.toLowerCase()).run<{ key: number; headers: string }>();
    keys.push(...results.filter(({ headers }) => matchesHeader(headers, name, text)).map(({ key }) => key));
    after = results.at(-1)?.key ?? last;
    if (results.length < WALK_CHUNK) break;
  }
  return keys;
}

function matchesHeader(headers: string, name: string, text: string | undefined): boolean {
  const values = headerValues(parseHeaderBlock(headers), name.toLowerCase());
  if (text === undefined) return values.length > 0;
  const wanted = text.toLowerCase();
  return values.some((value) => decodeWords(unfold(value)).toLowerCase().includes(wanted));
}
