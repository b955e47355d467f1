/**
 * How high a message's HTML will be, guessed from its elements without laying it out: the frame it is shown in
 * has no scripts and another origin, so nobody can measure it (docs/decisions/0015-message-frame.md). A guess too low makes
 * the frame scroll, one too high leaves a gap, so it leans a little to the high side.
 */

/** What the guess needs of a DOM node; tests hand in plain objects. */
export interface Box {
  nodeType: number;
  nodeName: string;
  nodeValue: string | null;
  childNodes: ArrayLike<Box>;
  getAttribute?(name: string): string | null;
}

const LINE = 24;
/** The mean width of a character at 15 px; CJK is twice as wide. */
const CHARACTER = 7.4;
const DEPTH_MAX = 200;
/** No cell is narrower than a word, whatever its width says. */
const CELL_MIN = 40;
const INLINE = /^(?:A|ABBR|B|BIG|CITE|CODE|DEL|EM|FONT|I|INS|KBD|MARK|Q|S|SMALL|SPAN|STRIKE|STRONG|SUB|SUP|TIME|TT|U)$/;
const MARGINS: Record<string, number> = {
  P: 30,
  H1: 44,
  H2: 40,
  H3: 36,
  H4: 36,
  H5: 36,
  H6: 36,
  UL: 30,
  OL: 30,
  BLOCKQUOTE: 30,
  HR: 18,
  PRE: 30,
};
const FOLDED = 32;

/** Pixels, for a frame `width` pixels wide. */
export function guessHeight(root: Box, width: number): number {
  return Math.ceil(blockHeight(root, Math.max(120, width), 0) * 1.05 + 32);
}

function blockHeight(box: Box, width: number, depth: number): number {
  if (depth > DEPTH_MAX) return 0;
  if (box.nodeName === 'DETAILS') return FOLDED;
  if (box.nodeName === 'TR') return rowHeight(box, width, depth);
  if (box.nodeName === 'IMG') return imageHeight(box, width);
  let height = MARGINS[box.nodeName] ?? 0;
  let line = 0;
  for (let index = 0; index < box.childNodes.length; index++) {
    const child = box.childNodes[index];
    if (!child || child.nodeType === 8) continue;
    if (child.nodeName === 'BR') {
      height += Math.max(LINE, lines(line, width));
      line = 0;
    } else if (isInline(child)) line += inlineWidth(child, depth);
    else {
      height += lines(line, width) + blockHeight(child, width, depth + 1);
      line = 0;
    }
  }
  return Math.max(height + lines(line, width), pixels(box, 'height') ?? 0);
}

/** Cells lie side by side: the highest one counts. */
function rowHeight(row: Box, width: number, depth: number): number {
  const cells = Array.from(row.childNodes).filter(({ nodeName }) => nodeName === 'TD' || nodeName === 'TH');
  const given = cells.map((cell) => pixels(cell, 'width'));
  const rest = Math.max(40, width - given.reduce<number>((sum, one) => sum + (one ?? 0), 0));
  const free = Math.max(1, given.filter((one) => one === null).length);
  return Math.max(
    0,
    ...cells.map((cell, index) => blockHeight(cell, Math.max(CELL_MIN, Math.min(width, given[index] ?? rest / free)), depth + 1)),
  );
}

function imageHeight(image: Box, width: number): number {
  const high = pixels(image, 'height');
  const wide = pixels(image, 'width');
  if (high !== null) return wide !== null && wide > width ? (high * width) / wide : high;
  return image.getAttribute?.('src') ? 160 : LINE;
}

function isInline(box: Box): boolean {
  return box.nodeType === 3 || (INLINE.test(box.nodeName) && !hasBlock(box, 0));
}

function hasBlock(box: Box, depth: number): boolean {
  return (
    depth < 6 &&
    Array.from(box.childNodes).some((child) => child.nodeType === 1 && (!INLINE.test(child.nodeName) || hasBlock(child, depth + 1)))
  );
}

function inlineWidth(box: Box, depth: number): number {
  if (depth > DEPTH_MAX) return 0;
  if (box.nodeType === 3) return textWidth(box.nodeValue ?? '');
  return Array.from(box.childNodes).reduce((sum, child) => sum + inlineWidth(child, depth + 1), 0);
}

function textWidth(text: string): number {
  const shown = text.replace(/\s+/g, ' ').trim();
  const wide = shown.match(/[\u2e80-\uffef]/g)?.length ?? 0;
  return (shown.length + wide) * CHARACTER;
}

function lines(lineWidth: number, width: number): number {
  return Math.ceil(lineWidth / width) * LINE;
}

/** A length in pixels from the attribute or the inline style; null when there is none. */
function pixels(box: Box, name: 'width' | 'height'): number | null {
  const attribute = /^\s*(\d{1,5})(?:px)?\s*$/.exec(box.getAttribute?.(name) ?? '')?.[1];
  const style = new RegExp(`(?:^|;)\\s*${name}\\s*:\\s*(\\d{1,5})px`, 'i').exec(box.getAttribute?.('style') ?? '')?.[1];
  const found = style ?? attribute;
  return found === undefined ? null : Number(found);
}
