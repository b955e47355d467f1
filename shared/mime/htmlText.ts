/**
 * HTML mail as plain text, for previews, full text and quoting: tags gone, blocks on lines of their
 * own, references decoded, and what a reader never sees (scripts, styles, head, comments) left out.
 * One pass without a document; the result is text, not markup, and must never be used as HTML.
 */
import { decodeReferences } from './entities.ts';
import { cutText } from './octets.ts';

/** Characters of HTML looked at unless the caller says otherwise. */
const INPUT_MAX = 512 * 1024;

/** Content that is not text. */
const DROPPED = new Set('script style head title template noscript svg math object iframe textarea select'.split(' '));
const BLOCKS = new Set(
  'address article aside blockquote br center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section table tr ul'.split(
    ' ',
  ),
);
const CELLS = new Set(['td', 'th']);
const PARAGRAPHS = new Set('blockquote h1 h2 h3 h4 h5 h6 p'.split(' '));

/** HTML → text; lines ended by LF, no more than one empty line in a row, white space folded. */
export function htmlToText(html: string, inputMax = INPUT_MAX): string {
  const source = cutText(html, inputMax);
  let text = '';
  let at = 0;
  while (at < source.length) {
    const open = source.indexOf('<', at);
    const stop = open < 0 ? source.length : open;
    if (stop > at) text += folded(source.slice(at, stop));
    if (open < 0) break;
    const tag = tagAt(source, open);
    at = tag.end;
    text += tag.text;
  }
  return tidy(decodeReferences(text));
}

/** What is shown when elements are pointed at: looked for like the text (RFC 8621 §4.4.1), and no part of it. */
export function titlesIn(html: string): string {
  const titles = [...cutText(html, INPUT_MAX).matchAll(TITLE)].map(([, double, single]) => double ?? single ?? '');
  return tidy(decodeReferences(folded(titles.join('\n'))));
}

/** Another tag ends the look, so that the whole stays linear. */
const TITLE = /<[a-z][^<>]{0,4000}?\stitle\s?=\s?(?:"([^"]*)"|'([^']*)')/gi;

/** What stands at a `<`: the text it stands for and where reading goes on. */
function tagAt(source: string, open: number): { text: string; end: number } {
  if (source.startsWith('<!--', open)) return { text: '', end: after(source, '-->', open + 4) };
  NAME.lastIndex = open;
  const [, slash = '', written] = NAME.exec(source) ?? [];
  if (written === undefined) {
    const markup = source[open + 1] === '!' || source[open + 1] === '?' || source[open + 1] === '/';
    return markup ? { text: '', end: after(source, '>', open) } : { text: '&lt;', end: open + 1 };
  }
  const name = written.toLowerCase();
  const end = tagEnd(source, open);
  if (slash === '' && DROPPED.has(name) && source[end - 2] !== '/') return { text: ' ', end: afterElement(source, name, end) };
  if (name === 'img') return { text: alternative(source.slice(open, Math.min(end, open + IMAGE_MAX))), end };
  return { text: PARAGRAPHS.has(name) ? '\n\n' : BLOCKS.has(name) ? '\n' : CELLS.has(name) ? ' ' : '', end };
}

/** What is shown in place of an image, a word of its own. */
function alternative(tag: string): string {
  const [, double, single, bare] = ALTERNATIVE.exec(tag) ?? [];
  const text = (double ?? single ?? bare ?? '').trim();
  return text === '' ? '' : ` ${folded(text)} `;
}

/** Characters of an image's tag that are looked at. */
const IMAGE_MAX = 4000;
const ALTERNATIVE = /\salt\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i;

const NAME = /<(\/?)([a-z][a-z0-9]{0,20})/iy;

/** One past the tag's `>`, quoted attribute values respected; an unclosed quote ends at the first `>`. */
function tagEnd(source: string, open: number): number {
  TAG.lastIndex = open;
  const whole = TAG.exec(source)?.[0];
  return whole === undefined ? after(source, '>', open) : open + whole.length;
}

/** A tag longer than this is cut at its first `>`: bounds the look for a closing quote. */
const TAG = /<(?:[^>"']|"[^"]{0,4000}"|'[^']{0,4000}'){0,8000}>/y;

function afterElement(source: string, name: string, from: number): number {
  const close = new RegExp(`</${name}[\\s/>]`, 'gi');
  close.lastIndex = from;
  const found = close.exec(source);
  return found ? after(source, '>', found.index) : source.length;
}

function after(source: string, mark: string, from: number): number {
  const found = source.indexOf(mark, from);
  return found < 0 ? source.length : found + mark.length;
}

function folded(text: string): string {
  return text.replace(/[ \t\r\n\f]+/g, ' ');
}

function tidy(text: string): string {
  return text
    .replace(/\u034f|[\u00ad\u200b-\u200f\u2060\ufeff]/g, '')
    .replace(/[ \u00a0]+/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
