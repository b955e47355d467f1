/**
 * Full text in every language. What is indexed and what is asked for go through the same mill: NFKC,
 * lower case, Latin and Greek letters without diacritics, everything else than letters and digits a space; runs of CJK
 * as overlapping bigrams, so that a two-character Chinese word is one token. The store's tokenizer then only splits
 * at spaces. RFC 8621 §4.4.1 leaves to the server what a text matches: here every word of it, in any order.
 *
 * In the index every token carries its account (`5_word`), so an account's words are a range of their own: nobody
 * else's mail is met, and the words that begin with `wor` can be listed without reading what they occur in.
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
const PIECES = /"((?:\\.|[^"\\])*)"?|(?<![^\s"])'((?:\\.|[^'\\])*)'(?![^\s"])|[^\s"]+/gs;

const CJK = '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}\\u30fc';
const TOKENS = new RegExp(`[${CJK}]+|(?:(?![${CJK}])[\\p{L}\\p{N}\\p{M}\\p{Co}])+`, 'gu');
const MARKS = /([\p{Script=Latin}\p{Script=Greek}])\p{M}+/gu;
/** Letters with a stroke, joined from two or of a form for the word's end, which no normalization takes apart. */
const LETTERS: Readonly<Record<string, string>> = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', đ: 'd', ħ: 'h', ı: 'i', ł: 'l', ŧ: 't', ς: 'σ' };
const LETTER = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'g');
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

/** One word or phrase of a search: its tokens, and whether the last one is the beginning of a word. */
export interface SearchTerm {
  tokens: string[];
  open: boolean;
}

/**
 * What a person typed → terms, of which every one must occur. `"…"` is a phrase; outside of it a word also finds what
 * begins with it. Empty when no word is left.
 */
export function searchTerms(text: string): SearchTerm[] {
  return searchPieces(text)
    .flatMap(({ text, isPhrase }) => term(text, !isPhrase) ?? [])
    .slice(0, TERMS_MAX);
}

/**
 * The words and phrases of a search as typed. A phrase stands in double or single quotes, within which a backslash takes the next
 * character as it is (RFC 8621 §4.4.1); a single quote inside of a word or without its match is an apostrophe.
 */
export function searchPieces(text: string): { text: string; isPhrase: boolean }[] {
  return [...text.slice(0, QUERY_MAX).matchAll(PIECES)].map(([whole, double, single]) => {
    const phrase = double ?? single;
    return phrase === undefined ? { text: whole, isPhrase: false } : { text: phrase.replace(/\\(.)/gs, '$1'), isPhrase: true };
  });
}

/** Index text as an account's: every token carries the account. Tokens stand with one space between them. */
export function accountText(account: number, text: string): string {
  return text === '' ? '' : accountWord(account, text.replaceAll(' ', ` ${accountWord(account, '')}`));
}

/** Stands for header fields that a message has beyond those named in its index text. */
export const MORE_FIELDS = '___more';
/** Names of fields in the index text of one message. */
const FIELD_NAMES_MAX = 64;

/** The token that says a message has a header field of this name: it begins as no typed word does. */
export function fieldToken(name: string): string {
  const written = name.toLowerCase().replace(/[^a-z0-9]/g, (unit) => (unit === '-' ? '_' : `_${unit.charCodeAt(0).toString(16)}_`));
  return `_${written}`;
}

/** Index text of the fields whose names alone are indexed, so that a search for one reads only the originals that have it. */
export function fieldTokens(names: Iterable<string>, isComplete: boolean): string {
  const tokens = [...new Set([...names].map(fieldToken))].filter((token) => token.length <= TOKEN_MAX);
  const cut = !isComplete || tokens.length > FIELD_NAMES_MAX;
  return [...tokens.slice(0, FIELD_NAMES_MAX), ...(cut ? [MORE_FIELDS] : [])].join(' ');
}

/** The MATCH expression for messages with one of the tokens that `fieldToken` gives. */
export function tokensExpression(account: number, tokens: readonly string[]): string {
  return tokens.map((token) => quoted(accountWord(account, token))).join(' OR ');
}

/** A token as the index has it. */
export function accountWord(account: number, token: string): string {
  return `${account.toString(36)}_${token}`;
}

/** The words of the index that begin with an open term's last token; nothing when they are too many to be named. */
export type Expansions = ReadonlyMap<string, readonly string[]>;

/**
 * Terms → an FTS5 MATCH expression over `columns`, within one account. Where `expansions` know the words that
 * an open term stands for they are named, which FTS5 reads in order as far as it is asked; otherwise it gathers all that
 * begin so. Null without terms or columns. Nothing typed reaches the expression but letters and digits in quotes.
 */
export function matchExpression(
  account: number,
  terms: readonly SearchTerm[],
  columns: readonly string[],
  expansions: Expansions = new Map(),
): string | null {
  const known = SEARCH_COLUMNS.filter((column) => columns.includes(column));
  if (terms.length === 0 || known.length === 0) return null;
  const expressions = terms.map((term) => termExpression(account, term, expansions));
  return `{${known.map(quoted).join(' ')}} : (${expressions.join(' AND ')})`;
}

function termExpression(account: number, { tokens, open }: SearchTerm, expansions: Expansions): string {
  const words = tokens.map((token) => accountWord(account, token));
  const beginning = words.at(-1) ?? '';
  const expanded = open ? expansions.get(beginning) : undefined;
  if (!expanded || expanded.length === 0) return quoted(words.join(' ')) + (open && !expanded ? ' *' : '');
  return `(${expanded.map((word) => quoted([...words.slice(0, -1), word].join(' '))).join(' OR ')})`;
}

/** One word or phrase; in the middle CJK runs look as they do in the index. */
function term(text: string, prefix: boolean): SearchTerm | null {
  const runs = runsOf(text).filter((run) => isCjk(run) || run.length <= TOKEN_MAX);
  const last = runs.at(-1);
  if (last === undefined) return null;
  const tokens = runs.flatMap((run, index) => (isCjk(run) ? bigrams(run, index < runs.length - 1) : [run]));
  return { tokens, open: isCjk(last) ? [...last].length === 1 : prefix };
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

/** Folded and cut into runs of one kind. */
function runsOf(text: string): string[] {
  if (isAscii(text)) return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return foldText(text).toWellFormed().match(TOKENS) ?? [];
}

/** NFKC and lower case, Latin and Greek letters without their marks. */
export function foldText(text: string): string {
  if (isAscii(text)) return text.toLowerCase();
  const bare = text.normalize('NFKD').replace(MARKS, '$1').normalize('NFKC').toLowerCase();
  // Lower case of a capital with a dot is two characters, the second a mark.
  return bare.replace(MARKS, '$1').replace(LETTER, (letter) => LETTERS[letter] ?? letter);
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
