/**
 * Plain text for reading: URLs and addresses as links (http, https, mailto only), quoted lines as foldable
 * blocks, the signature set apart (RFC 3676 §4.3). Yields data; the view makes elements of it, never HTML.
 */
export type Inline = string | { href: string; text: string };
export interface Block {
  kind: 'text' | 'quote' | 'signature';
  text: string;
}

/** Text beyond this has no links made: the search is linear, but a megabyte of it is not read by eye. */
const LINKED_MAX = 200_000;
const LINK =
  /\b(?:https?:\/\/|mailto:)[^\s<>"'`\u201c\u201d\u2018\u2019\u300c\u300d\uff08\uff09\uff0c\u3002]{1,2000}|\b[\w.+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}/gi;
/** Punctuation that ends a sentence rather than an address. */
const TRAILING = new Set('.,;:!?)]}\'"*\u3002\u3001\uff0c\uff1b\uff1a\uff01\uff1f\uff09');
/** How far before a quote its attribution may begin. */
const ATTRIBUTION_MAX = 400;

/** Splits text at links. */
export function linkify(text: string): Inline[] {
  if (text.length > LINKED_MAX) return [text];
  const pieces: Inline[] = [];
  let at = 0;
  for (const match of text.matchAll(LINK)) {
    const found = withoutTrailing(match[0]);
    const href = safeHref(found.includes('://') || /^mailto:/i.test(found) ? found : `mailto:${found}`);
    if (href === null) continue;
    if (match.index > at) pieces.push(text.slice(at, match.index));
    pieces.push({ href, text: found });
    at = match.index + found.length;
  }
  if (at < text.length) pieces.push(text.slice(at));
  return pieces;
}

/** A closing bracket stays when it was opened inside, as in Wikipedia's addresses. */
function withoutTrailing(found: string): string {
  let end = found.length;
  while (end > 0 && TRAILING.has(found[end - 1] ?? '')) end--;
  const trimmed = found.slice(0, end);
  const opened = trimmed.split('(').length - trimmed.split(')').length;
  return opened > 0 && found[trimmed.length] === ')' ? `${trimmed})` : trimmed;
}

/** The URL when its scheme is one we follow; null otherwise. */
export function safeHref(text: string): string | null {
  try {
    const url = new URL(text);
    return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** Text, quotes and signature in order. A quote takes the attribution line before it along. */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  const lines = text.replaceAll('\r\n', '\n').trimEnd().split('\n');
  for (const line of lines) {
    const last = blocks.at(-1);
    const kind = last?.kind === 'signature' || line === '-- ' || line === '--' ? 'signature' : line.startsWith('>') ? 'quote' : 'text';
    if (last?.kind === kind) last.text += `\n${line}`;
    else if (last?.kind === 'quote' && line.trim() === '' && kind === 'text') last.text += `\n${line}`;
    else blocks.push({ kind, text: line });
  }
  return takeAttributions(blocks)
    .map(({ kind, text }) => ({ kind, text: text.trimEnd() }))
    .filter((block) => block.text !== '');
}

/** "On … wrote:" goes into the quote below it. */
function takeAttributions(blocks: Block[]): Block[] {
  for (const [index, block] of blocks.entries()) {
    const before = blocks[index - 1];
    if (block.kind !== 'quote' || before?.kind !== 'text') continue;
    const tail = before.text.trimEnd().slice(-ATTRIBUTION_MAX);
    const attribution = /(?:^|\n)([^\n]{1,200}(?:\n[^\n]{1,80})?[:\uff1a])$/.exec(tail)?.[1];
    if (!attribution || !/wrote|写道|schrieb|écrit|<[^>]+@/i.test(attribution)) continue;
    before.text = before.text.trimEnd().slice(0, -attribution.length);
    block.text = `${attribution}\n${block.text}`;
  }
  return blocks;
}
