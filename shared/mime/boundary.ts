/**
 * Is this line a delimiter of one of the open multiparts (RFC 2046 §5.1.1)? A whole line that is
 * `--boundary` or `--boundary--`, trailing white space allowed, decides first, innermost multipart
 * first, so that a boundary may be the prefix of another. Failing that, the boundary followed by
 * something no boundary can contain will do: "an exact match of the entire line is not required".
 */

const DASH = 0x2d;
const SPACE = 0x20;
const TAB = 0x09;
const CR = 0x0d;
const LF = 0x0a;

export interface Delimiter {
  /** Index of the multipart in the list of boundaries. */
  level: number;
  /** It was the close-delimiter. */
  close: boolean;
}

/**
 * The delimiter in `line[start, end)` (line break included or not); null when it is none.
 * `boundaries` run from the outermost multipart inwards, null where there is none to look for.
 */
export function delimiterIn(line: Uint8Array, start: number, end: number, boundaries: readonly (Uint8Array | null)[]): Delimiter | null {
  if (end - start < 3 || line[start] !== DASH || line[start + 1] !== DASH) return null;
  const last = withoutPadding(line, start, end);
  let loose: Delimiter | null = null;
  for (let level = boundaries.length - 1; level >= 0; level--) {
    const boundary = boundaries[level];
    if (!boundary || !startsWith(line, start + 2, last, boundary)) continue;
    const rest = start + 2 + boundary.length;
    if (rest === last) return { level, close: false };
    const close = line[rest] === DASH && line[rest + 1] === DASH && rest + 1 < last;
    if (close && rest + 2 === last) return { level, close };
    if (!loose && !isBoundaryOctet(line[close ? rest + 2 : rest])) loose = { level, close };
  }
  return loose;
}

function withoutPadding(line: Uint8Array, start: number, end: number): number {
  let last = end;
  while (last > start && isSpace(line[last - 1])) last--;
  return last;
}

function isSpace(octet: number | undefined): boolean {
  return octet === SPACE || octet === TAB || octet === CR || octet === LF;
}

function startsWith(line: Uint8Array, at: number, end: number, boundary: Uint8Array): boolean {
  if (at + boundary.length > end) return false;
  for (let i = 0; i < boundary.length; i++) if (line[at + i] !== boundary[i]) return false;
  return true;
}

/** RFC 2046 §5.1.1 `bcharsnospace`, without the rarely met and here misleading rest of `bchars`. */
function isBoundaryOctet(octet: number | undefined): boolean {
  return octet !== undefined && /[0-9A-Za-z'()+_,\-./:=?]/.test(String.fromCharCode(octet));
}
