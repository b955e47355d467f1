/**
 * Duplicate names in an object, which I-JSON forbids (RFC 7493 §2.3) and `JSON.parse` passes over in silence: the last
 * one would count here and the first one elsewhere. One pass over text that is known to be JSON; strings are jumped over.
 */

/** The first name that an object of `text` (valid JSON) has twice; null when there is none. */
export function duplicateName(text: string): string | null {
  /** Names of each open object; null for an array. */
  const open: (Set<string> | null)[] = [];
  let isName = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '"') {
      const end = endOfString(text, at);
      const names = open.at(-1);
      if (isName && names) {
        const name = nameOf(text.slice(at, end + 1));
        if (names.has(name)) return name;
        names.add(name);
      }
      at = end;
    } else if (char === '{' || char === '[') {
      open.push(char === '{' ? new Set() : null);
      isName = char === '{';
    } else if (char === '}' || char === ']') open.pop();
    else if (char === ',') isName = open.at(-1) instanceof Set;
    else if (char === ':') isName = false;
  }
  return null;
}

/** Where the string that begins at `start` ends. A run of backslashes is counted once, so the whole stays linear. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end >= 0) {
    let slashes = 0;
    while (text.charAt(end - 1 - slashes) === '\\') slashes++;
    if (slashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

/** Two spellings of one name are one name: `"a"` and `"\u0061"`. */
function nameOf(literal: string): string {
  return literal.includes('\\') ? String(JSON.parse(literal)) : literal.slice(1, -1);
}
