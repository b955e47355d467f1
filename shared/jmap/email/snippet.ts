/**
 * Search snippets (RFC 8621 §5): where the words of a search stand in a text, marked for HTML. Words are
 * compared as the index compares them: without case, Latin letters without diacritics, a word finds what
 * begins with it, a phrase in quotes is found whole; a run of CJK is found anywhere.
 */
import { foldText, searchPieces } from '../../search.ts';

/** RFC 8621 §5: octets of a preview. */
const PREVIEW_OCTETS_MAX = 255;
/** Characters shown before the first match, so that it is read in its context. */
const CONTEXT = 40;
/** Characters of a text that are looked at. */
const TEXT_MAX = 64 * 1024;
/** Words of a search that are marked. */
const TERMS_MAX = 32;

const CJK = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;
const WORD = /[\p{L}\p{N}\p{M}\p{Co}]/u;
/** A character with what belongs to it: marks, and the vowels that a Hangul syllable is made of. */
const LETTERS = /[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?|.\p{M}{0,8}/gsu;

/** A folded text, each unit with where it came from in the original. */
interface Folded {
  text: string;
  from: number[];
}

/** A piece of the original text: from, to. */
type Range = [number, number];

/** The subject with its matches marked; null without any. */
export function markSubject(subject: string, searches: readonly string[]): string | null {
  const ranges = matches(subject, searches);
  return ranges.length === 0 ? null : marked(subject, 0, subject.length, ranges);
}

/** The part of a body around its first match, at most 255 octets; null without a match. */
export function markPreview(body: string, searches: readonly string[]): string | null {
  const text = body.slice(0, TEXT_MAX).replace(/\s+/g, ' ').toWellFormed();
  const ranges = matches(text, searches);
  const [first] = ranges;
  if (first === undefined) return null;
  const start = wordStart(text, Math.max(0, first[0] - CONTEXT), first[0]);
  let end = Math.min(text.length, start + PREVIEW_OCTETS_MAX);
  for (;;) {
    const snippet = marked(text, start, end, ranges);
    const surplus = new TextEncoder().encode(snippet).length - PREVIEW_OCTETS_MAX;
    if (surplus <= 0) return snippet;
    // An octet too many is at most four characters of markup away; never half a surrogate pair.
    end = Math.max(start, end - Math.max(1, Math.floor(surplus / 8)));
    if (/[\udc00-\udfff]/.test(text.charAt(end))) end--;
  }
}

/** The first place after `from` where a word begins, not beyond `limit`. */
function wordStart(text: string, from: number, limit: number): number {
  if (from === 0) return 0;
  const space = text.indexOf(' ', from);
  return space >= 0 && space < limit ? space + 1 : limit;
}

function matches(text: string, searches: readonly string[]): Range[] {
  const folded = fold(text.slice(0, TEXT_MAX));
  const ranges = searches
    .flatMap(termsOf)
    .slice(0, TERMS_MAX)
    .flatMap((term) => find(folded, term));
  return merge(ranges.sort((a, b) => a[0] - b[0]));
}

interface Term {
  text: string;
  isPhrase: boolean;
}

function termsOf(search: string): Term[] {
  return searchPieces(search).flatMap((piece) => {
    const text = fold(piece.text).text.trim();
    return text === '' ? [] : [{ text, isPhrase: piece.isPhrase }];
  });
}

/** Folded as the index folds, a letter with its marks at a time; what is no letter or digit becomes one space. */
function fold(text: string): Folded {
  const folded: Folded = { text: '', from: [] };
  for (const { 0: letter, index: at } of text.matchAll(LETTERS)) {
    for (const unit of foldText(letter)) {
      const kept = WORD.test(unit) ? unit : ' ';
      if (kept === ' ' && folded.text.endsWith(' ')) continue;
      folded.text += kept;
      for (let index = 0; index < kept.length; index++) folded.from.push(at);
    }
  }
  folded.from.push(text.length);
  return folded;
}

function find({ text, from }: Folded, { text: wanted, isPhrase }: Term): Range[] {
  const ranges: Range[] = [];
  const isCjk = CJK.test(wanted);
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
    const end = at + wanted.length;
    if (!isCjk && !isBoundary(text, at - 1)) continue;
    if (!isCjk && isPhrase && !isBoundary(text, end)) continue;
    ranges.push([from[at] ?? 0, from[isCjk || isPhrase ? end : wordEnd(text, end)] ?? 0]);
  }
  return ranges;
}

function isBoundary(text: string, at: number): boolean {
  const unit = text.charAt(at);
  return unit === '' || unit === ' ' || CJK.test(unit);
}

/** Words found by their beginning are marked whole. */
function wordEnd(text: string, at: number): number {
  let end = at;
  while (!isBoundary(text, end)) end++;
  return end;
}

function merge(ranges: readonly Range[]): Range[] {
  const merged: Range[] = [];
  for (const [start, end] of ranges) {
    const last = merged.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

/** The piece of text with `<mark>` around what is in the ranges, everything else escaped. */
function marked(text: string, start: number, end: number, ranges: readonly Range[]): string {
  let html = '';
  let at = start;
  for (const [from, to] of ranges) {
    if (from < start || to > end) continue;
    html += `${escaped(text.slice(at, from))}<mark>${escaped(text.slice(from, to))}</mark>`;
    at = to;
  }
  return html + escaped(text.slice(at, end));
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
