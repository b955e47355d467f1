/**
 * Full text in every language. What is indexed and what is asked for go through the same mill: NFKC,
 * lower case, Latin letters without diacritics, everything else than letters and digits a space; runs of CJK
 * as overlapping bigrams, so that a two-character Chinese word is one token. SQLite's `unicode61`
 * tokenizer then only splits at spaces.
 *
 * For the store: the FTS5 table has the columns `account`, `from`, `to`, `cc`, `bcc`, `subject`,
 * `body`, `attachments` (`from` and `to` quoted in SQL), each filled with the value of that name in
 * `SearchText`; `account` holds one token, the one given to `toMatchQuery`.
 */
import type { SearchText } from './mime/index-types.ts';

export type SearchColumn = keyof SearchText;
export const SEARCH_COLUMNS: readonly SearchColumn[] = ['from', 'to', 'cc', 'bcc', 'subject', 'body', 'attachments'];

/** UTF-8 octets of indexed text: the body's, and any other column's. Both keep a frame of 32 indexes small. */
export const SEARCH_BODY_MAX = 64 * 1024;
export const SEARCH_FIELD_MAX = 8 * 1024;
/** Characters of a query and words in it: each word is one walk of the index. */
const QUERY_MAX = 1000;
const TERMS_MAX = 32;
/** Characters of one token; longer ones are encoded data nobody asks for. */
const TOKEN_MAX = 64;

const CJK = '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}\\u30fc';
const TOKENS = new RegExp(`[${CJK}]+|(?:(?![${CJK}])[\\p{L}\\p{N}\\p{M}\\p{Co}])+`, 'gu');
const LATIN_MARKS = /(\p{Script=Latin})\p{M}+/gu;
const CJK_FIRST = new RegExp(`^[${CJK}]`, 'u');

/** Text → tokens separated by spaces, at most `max` UTF-8 octets. A run of CJK ends with its last character alone, so that it is found by itself. */
export function toIndexText(text: string, max = SEARCH_BODY_MAX): string {
  const tokens: string[] = [];
  let octets = 0;
  for (const run of firstRuns(text, max)) {
    for (const token of isCjk(run) ? bigrams(run, true) : [run]) {
      if (token.length > TOKEN_MAX) continue;
      octets += utf8Length(token) + 1;
      if (octets > max + 1) return tokens.join(' ');
      tokens.push(token);
    }
  }
  return tokens.join(' ');
}

/**
 * What a person typed → an FTS5 MATCH expression over `columns` (all by default) within one account;
 * null when no word is left. Every word must occur; `"…"` is a phrase; outside of it a Latin word also
 * finds what begins with it. Nothing typed reaches the expression but letters and digits in quotes.
 */
export function toMatchQuery(text: string, columns: readonly string[] = SEARCH_COLUMNS, account: string): string | null {
  const terms = [...text.slice(0, QUERY_MAX).matchAll(/"([^"]*)"?|[^\s"]+/g)]
    .map(([whole, phrase]) => (phrase === undefined ? term(whole, true) : term(phrase, false)))
    .filter((expression) => expression !== null)
    .slice(0, TERMS_MAX);
  const known = SEARCH_COLUMNS.filter((column) => columns.includes(column));
  if (terms.length === 0 || known.length === 0) return null;
  return `"account" : ${quoted(account)} AND {${known.map(quoted).join(' ')}} : (${terms.join(' AND ')})`;
}

/** One word or phrase as a string of tokens; in the middle CJK runs look as they do in the index. */
function term(text: string, prefix: boolean): string | null {
  const runs = runsOf(text).filter((run) => isCjk(run) || run.length <= TOKEN_MAX);
  const last = runs.at(-1);
  if (last === undefined) return null;
  const tokens = runs.flatMap((run, index) => (isCjk(run) ? bigrams(run, index < runs.length - 1) : [run]));
  const open = isCjk(last) ? [...last].length === 1 : prefix;
  return quoted(tokens.join(' ')) + (open ? ' *' : '');
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""').replaceAll('\0', '')}"`;
}

/** `天气预报` → 天气 气预 预报, and 报 when the run is to end as in the index. A single character stays. */
function bigrams(run: string, closed: boolean): string[] {
  const characters = [...run];
  const pairs = characters.slice(1).map((character, index) => `${characters[index]}${character}`);
  return closed || pairs.length === 0 ? [...pairs, ...characters.slice(-1)] : pairs;
}

/** The runs in the first `max` characters; a word that this would cut is left out. */
function firstRuns(text: string, max: number): string[] {
  if (text.length <= max) return runsOf(text);
  const runs = runsOf(text.slice(0, max));
  return isCjk(runs.at(-1) ?? '') ? runs : runs.slice(0, -1);
}

/** NFKC, lower case, Latin without its marks, cut into runs of one kind. */
function runsOf(text: string): string[] {
  if (isAscii(text)) return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const folded = text.normalize('NFKD').replace(LATIN_MARKS, '$1').normalize('NFKC').toLowerCase();
  return folded.toWellFormed().match(TOKENS) ?? [];
}

function isCjk(run: string): boolean {
  return run.charCodeAt(0) > 0x7f && CJK_FIRST.test(run);
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

function utf8Length(token: string): number {
  let octets = 0;
  for (let at = 0; at < token.length; at++) {
    const unit = token.charCodeAt(at);
    octets += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3;
  }
  return octets;
}
