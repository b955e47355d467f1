/**
 * Quoted history in HTML mail, folded with <details>, which works in a frame without scripts. Each client marks
 * what it quotes in its own way; only a quote at the message's end is folded, as answers between quotes are the text.
 */
const MARKS = [
  'blockquote[type="cite"]',
  '.gmail_quote',
  '.gmail_quote_container',
  '.yahoo_quoted',
  '.protonmail_quote',
  '.moz-cite-prefix + blockquote',
  'blockquote.tuta_quote',
  'blockquote',
].join(',');

/** Folds the last quote of `root` when nothing but quotes and a signature follows it. */
export function foldQuotes(root: Element, label: string): boolean {
  const quotes = [...root.querySelectorAll(MARKS)].filter((quote) => !quote.parentElement?.closest(MARKS));
  const last = quotes.at(-1);
  if (!last || textAfter(last, root).length > 0 || textBefore(last, root).length === 0) return false;
  const details = root.ownerDocument.createElement('details');
  const summary = root.ownerDocument.createElement('summary');
  summary.textContent = '···';
  summary.setAttribute('title', label);
  summary.setAttribute('aria-label', label);
  const before = last.previousElementSibling;
  last.parentNode?.replaceChild(details, last);
  const moved: Node[] = before?.matches('.moz-cite-prefix, .gmail_attr') ? [before, last] : [last];
  for (const node of [summary, ...moved]) details.appendChild(node);
  return true;
}

function textAfter(element: Element, root: Element): string {
  let text = '';
  for (let at: Element | null = element; at && at !== root; at = at.parentElement) {
    for (let next = at.nextSibling; next; next = next.nextSibling) text += next.textContent ?? '';
  }
  return text.trim();
}

function textBefore(element: Element, root: Element): string {
  let text = '';
  for (let at: Element | null = element; at && at !== root; at = at.parentElement) {
    for (let next = at.previousSibling; next; next = next.previousSibling) text += next.textContent ?? '';
  }
  return text.trim();
}
