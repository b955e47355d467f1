/** IMAP data as values (RFC 9051 §4): lists, strings however they travel, NIL; for tests that compare two servers' answers. */

export type ImapValue = string | null | ImapValue[];

/** Reads one response after its `* `; `n FETCH (…)` becomes `['n', 'FETCH', [ … ]]`. Strings are byte strings; NIL is null. Throws on what is none. */
export function readValues(text: string): ImapValue[] {
  const stack: ImapValue[][] = [[]];
  let at = 0;
  const add = (value: ImapValue) => stack.at(-1)?.push(value);
  while (at < text.length) {
    const octet = text[at];
    if (octet === ' ') at++;
    else if (octet === '(') {
      stack.push([]);
      at++;
    } else if (octet === ')') {
      const list = stack.pop();
      if (!list || stack.length === 0) throw new Error(`a ) too many at ${at}: ${text.slice(0, 200)}`);
      add(list);
      at++;
    } else {
      const { value, end } = readString(text, at);
      add(value);
      at = end;
    }
  }
  if (stack.length !== 1) throw new Error(`a ) is missing: ${text.slice(0, 200)}`);
  return stack[0] ?? [];
}

function readString(text: string, at: number): { value: string | null; end: number } {
  const literal = /^\{(\d+)\}\r\n/.exec(text.slice(at, at + 20));
  if (literal) {
    const start = at + literal[0].length;
    const end = start + Number(literal[1]);
    return { value: text.slice(start, end), end };
  }
  if (text[at] === '"') {
    let value = '';
    let end = at + 1;
    for (; text[end] !== '"'; end++) {
      if (end >= text.length) throw new Error(`a quoted string does not end: ${text.slice(at, at + 200)}`);
      if (text[end] === '\\') end++;
      value += text[end];
    }
    return { value, end: end + 1 };
  }
  const atom = /^[^ ()]+/.exec(text.slice(at, at + 2000))?.[0] ?? '';
  return { value: atom === 'NIL' ? null : atom, end: at + atom.length };
}
