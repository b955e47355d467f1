/**
 * `header` conditions (RFC 8621 §4.4.1). Values have to be decoded before they are compared, which SQL cannot, so the emails
 * that match are found first, among those the rest of the filter leaves. Fields that the index keeps (KEPT_FIELDS) are looked at there,
 * one row per email: slow, and rare in practice. Of all others it knows the names: whether an email has one costs a hit of the full
 * text, what it says is read from the originals. When more emails have the field than a request can look at, the filter
 * is refused: a part of the answer would be a wrong one, under NOT above all.
 */

import type { EmailCondition } from '../../../../shared/jmap/email/query.ts';
import { headerValues, isKeptField, parseHeaderBlock, unfold } from '../../../../shared/mime/headers.ts';
import { byteString } from '../../../../shared/mime/octets.ts';
import { decodeWords } from '../../../../shared/mime/words.ts';
import { fieldToken, MORE_FIELDS, tokensExpression } from '../../../../shared/search.ts';
import type { Env } from '../../../env.ts';
import { getOriginal } from '../../blobs.ts';
import { readTogether } from '../database.ts';
import { keyRange } from '../keys.ts';
import type { EmailFilter } from './email-query.ts';
import { FilterTooLarge, matchSql } from './filter.ts';
import { conditionsOf, contextOf, hitConditions, type Plan, sourceOf } from './source.ts';

/** Emails looked at per query: 16 KB of kept headers each at most. */
const WALK_CHUNK = 500;
/** Queries all header conditions of a filter may spend of a request's 50. */
const WALK_CHUNKS_MAX = 30;
/** Emails with a kept field that can be looked at; more of them make the filter `unsupportedFilter`. */
export const HEADER_EMAILS_MAX = WALK_CHUNK * WALK_CHUNKS_MAX;
/** Originals that all header conditions of a filter may read of a request's 50 subrequests. */
export const HEADER_ORIGINALS_MAX = 40;
/** Octets of a header that are looked at, and originals read at a time (connections of a Worker). */
const HEADER_OCTETS_MAX = 256 * 1024;
const READS_AT_ONCE = 6;

/** An email that may match: its kept header fields, and where the whole header lies. */
interface Candidate {
  key: number;
  headers: string;
  isComplete: number;
  sha256: string;
  headerEnd: number;
}

/** What header conditions may still spend. */
interface Allowance {
  chunks: number;
  originals: number;
}

/** Every header condition of a filter. */
function headerConditions(filter: EmailFilter | null): EmailCondition[] {
  if (filter === null) return [];
  if ('operator' in filter) return filter.conditions.flatMap(headerConditions);
  return filter.header ? [filter] : [];
}

/** Keys of the emails that match each condition; throws `FilterTooLarge` when they are too many to look at. */
export async function findHeaderMatches(env: Env, plan: Plan): Promise<Map<EmailCondition, number[]>> {
  const matches = new Map<EmailCondition, number[]>();
  const allowance: Allowance = { chunks: WALK_CHUNKS_MAX, originals: HEADER_ORIGINALS_MAX };
  const narrowed = { ...plan, rest: withoutHeaders(plan.rest) };
  for (const condition of headerConditions(plan.rest)) {
    const [name = '', text] = condition.header ?? [];
    const looked = { name: name.toLowerCase(), text: text?.toLowerCase() };
    const find = isKeptField(looked.name) ? findKept : findByName;
    matches.set(condition, await find(env, narrowed, looked, allowance));
  }
  return matches;
}

/** What of a conjunction can be asked before the header conditions are answered. */
function withoutHeaders(rest: EmailFilter | null): EmailFilter | null {
  if (rest === null) return null;
  const nodes = 'operator' in rest && rest.operator === 'AND' ? rest.conditions : [rest];
  const conditions = nodes.flatMap((node): EmailFilter[] => {
    if (headerConditions(node).length === 0) return [node];
    if ('operator' in node) return [];
    const { header: _header, ...others } = node;
    return Object.keys(others).length > 0 ? [others] : [];
  });
  return conditions.length > 0 ? { operator: 'AND', conditions } : null;
}

interface Looked {
  name: string;
  text: string | undefined;
}

/** Looks at the kept fields of every email that has this one, or whose fields did not all fit. */
async function findKept(env: Env, plan: Plan, looked: Looked, allowance: Allowance): Promise<number[]> {
  const keys: number[] = [];
  let [after, last] = keyRange(plan.account);
  for (; allowance.chunks > 0; allowance.chunks--) {
    const context = contextOf(plan);
    const words = plan.match === null ? [] : [matchSql(plan.match, context)];
    const where = conditionsOf({ where: hitConditions(plan, context) }, ...words, `e.key > ${after}`, `e.key <= ${last}`);
    const line = context.values.add(`\n${looked.name}:`);
    const has = `(instr(char(10) || lower(e.headers), ${line}) > 0 OR e.headersComplete = 0)`;
    const sql = `${candidatesSql('email e')} WHERE ${where} AND ${has} ORDER BY e.key LIMIT ${WALK_CHUNK}`;
    const { results } = await readTogether<Candidate>(plan.db, context.values.statement(plan.db, sql));
    const unknown: Candidate[] = [];
    for (const candidate of results) {
      if (matchesHeader(candidate.headers, looked)) keys.push(candidate.key);
      else if (candidate.isComplete === 0) unknown.push(candidate);
    }
    keys.push(...(await readMatching(env, plan.account, unknown, looked, allowance)));
    if (results.length < WALK_CHUNK) return keys;
    after = results.at(-1)?.key ?? last;
  }
  throw new FilterTooLarge(`more than ${HEADER_EMAILS_MAX} emails have the fields of the header conditions`);
}

/** Asks the full text who has the field, and their originals what it says. */
async function findByName(env: Env, plan: Plan, looked: Looked, allowance: Allowance): Promise<number[]> {
  const named = await candidates(plan, fieldToken(looked.name), looked.text === undefined ? HEADER_EMAILS_MAX : allowance.originals);
  const unsure = await candidates(plan, MORE_FIELDS, allowance.originals);
  if (looked.text === undefined) {
    const certain = new Set(named.map(({ key }) => key));
    const others = unsure.filter(({ key }) => !certain.has(key));
    return [...certain, ...(await readMatching(env, plan.account, others, looked, allowance))];
  }
  const all = new Map([...named, ...unsure].map((candidate) => [candidate.key, candidate]));
  return readMatching(env, plan.account, [...all.values()], looked, allowance);
}

/** Emails with the token that the rest of the filter leaves; throws when there are more than `max`. */
async function candidates(plan: Plan, token: string, max: number): Promise<Candidate[]> {
  const match = [...(plan.match === null ? [] : [`(${plan.match})`]), `(${tokensExpression(plan.account, [token])})`].join(' AND ');
  const found = { ...plan, match };
  const context = contextOf(found);
  const { from } = sourceOf({ ...found, rest: null }, context);
  const sql = `${candidatesSql(from)} WHERE ${conditionsOf({ where: hitConditions(found, context) })} LIMIT ${max + 1}`;
  const { results } = await readTogether<Candidate>(plan.db, context.values.statement(plan.db, sql));
  if (results.length > max) throw new FilterTooLarge(`more than ${max} emails have the field: narrow the filter`);
  return results;
}

/** A message of one part with a header beyond what the tree holds ends where its body begins. */
function candidatesSql(from: string): string {
  return `SELECT e.key AS key, e.headers AS headers, e.headersComplete AS isComplete, e.sha256 AS sha256,
    e.structure->>'bodyStart' AS headerEnd FROM ${from}`;
}

/** Those whose original has the field, with the text. */
async function readMatching(
  env: Env,
  account: number,
  emails: readonly Candidate[],
  looked: Looked,
  allowance: Allowance,
): Promise<number[]> {
  allowance.originals -= emails.length;
  if (allowance.originals < 0) throw new FilterTooLarge(`more than ${HEADER_ORIGINALS_MAX} originals to be read for the header conditions`);
  const keys: number[] = [];
  for (let start = 0; start < emails.length; start += READS_AT_ONCE) {
    const some = emails.slice(start, start + READS_AT_ONCE);
    const headers = await Promise.all(some.map((email) => readHeader(env, account, email)));
    keys.push(...some.filter((_email, index) => matchesHeader(headers[index] ?? '', looked)).map(({ key }) => key));
  }
  return keys;
}

async function readHeader(env: Env, account: number, { sha256, headerEnd }: Candidate): Promise<string> {
  if (headerEnd === 0) return '';
  const original = await getOriginal(env, account, sha256, { offset: 0, length: Math.min(headerEnd, HEADER_OCTETS_MAX) });
  return original ? byteString(new Uint8Array(await new Response(original.body).arrayBuffer())) : '';
}

function matchesHeader(headers: string, { name, text }: Looked): boolean {
  const values = headerValues(parseHeaderBlock(headers), name);
  if (text === undefined) return values.length > 0;
  return values.some((value) => decodeWords(unfold(value)).toLowerCase().includes(text));
}
