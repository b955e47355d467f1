/** HTML as plain text, for quoting: parsed inertly (no scripts run, nothing loads), then read off block by block. */
const BLOCK = /^(?:ADDRESS|ARTICLE|BLOCKQUOTE|DD|DIV|DL|DT|FIGURE|FOOTER|H[1-6]|HEADER|HR|LI|MAIN|OL|P|PRE|SECTION|TABLE|TBODY|TR|UL)$/;
const SKIPPED = /^(?:HEAD|SCRIPT|STYLE|TEMPLATE|TITLE|NOSCRIPT)$/;
const DEPTH_MAX = 200;

export function textOfHtml(html: string): string {
  const { body } = new DOMParser().parseFromString(html, 'text/html');
  return textOf(body, 0)
    .replace(/[ \t]+\n/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

function textOf(node: Node, depth: number): string {
  if (node.nodeType === Node.TEXT_NODE) return (node.nodeValue ?? '').replace(/\s+/g, ' ');
  if (depth > DEPTH_MAX || SKIPPED.test(node.nodeName)) return '';
  if (node.nodeName === 'BR') return '\n';
  const inner = Array.from(node.childNodes, (child) => textOf(child, depth + 1)).join('');
  if (node.nodeName === 'BLOCKQUOTE') return `\n${quoted(inner)}\n`;
  if (node.nodeName === 'LI') return `\n- ${inner.trim()}`;
  if (node.nodeName === 'TD' || node.nodeName === 'TH') return `${inner} `;
  if (node.nodeName === 'P') return `\n${inner.trim()}\n\n`;
  return BLOCK.test(node.nodeName) ? `\n${inner.replace(/^ +/, '')}\n` : inner;
}

function quoted(text: string): string {
  return text
    .trim()
    .split('\n')
    .map((line) => `> ${line.trim()}`)
    .join('\n');
}
