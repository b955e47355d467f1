/**
 * Threads as THREAD answers them (RFC 5256 §3, §4): messages numbered from 0 in mailbox order, each with a parent or none, some threads
 * gathered under a head that is no message. Everything is arrays and loops: a thread may be 100,000 replies deep.
 */

/** Neither parent nor message. */
export const NOBODY = -1;

export interface Forest {
  /** Messages are the nodes below this; the others are heads without a message. */
  messages: number;
  /** Nodes without a parent, in their order. */
  roots: number[];
  /** First child and next sibling of each node, or NOBODY. */
  firstChild: Int32Array;
  nextSibling: Int32Array;
}

/**
 * The forest of `parents` (NOBODY for roots) with every set of siblings in the order of `order`, which names each message once; a head
 * that is no message stands where its first child would (RFC 5256 §3, step 6).
 */
export function growForest(parents: Int32Array, order: Uint32Array): Forest {
  const messages = order.length;
  const firstChild = new Int32Array(parents.length).fill(NOBODY);
  const nextSibling = new Int32Array(parents.length).fill(NOBODY);
  const lastChild = new Int32Array(parents.length).fill(NOBODY);
  const roots: number[] = [];
  for (const message of order) {
    const parent = parents[message] ?? NOBODY;
    if (parent === NOBODY) {
      roots.push(message);
      continue;
    }
    const before = lastChild[parent] ?? NOBODY;
    if (before !== NOBODY) nextSibling[before] = message;
    else {
      firstChild[parent] = message;
      if (parent >= messages) roots.push(parent);
    }
    lastChild[parent] = message;
  }
  return { messages, roots, firstChild, nextSibling };
}

/**
 * The wire text of a forest in pieces of some kilobytes, without the `* THREAD`: `(1)(2 3 (4)(5 6))((7)(8))`. `numberOf`: what stands for
 * a message.
 */
export function* threadText({ messages, roots, firstChild, nextSibling }: Forest, numberOf: (message: number) => number): Iterable<string> {
  const open: number[] = [];
  let text = '';
  for (const root of roots) {
    text += '(';
    // The next sibling to write of each list that is open; the root has none.
    open.push(NOBODY);
    let node = root;
    for (;;) {
      if (node < messages) text += numberOf(node);
      const child = firstChild[node] ?? NOBODY;
      const alone = child !== NOBODY && (nextSibling[child] ?? NOBODY) === NOBODY;
      if (alone) {
        if (node < messages) text += ' ';
        node = child;
        continue;
      }
      if (child !== NOBODY) {
        text += node < messages ? ' (' : '(';
        open.push(nextSibling[child] ?? NOBODY);
        node = child;
        continue;
      }
      let next = NOBODY;
      while (next === NOBODY && open.length > 0) {
        text += ')';
        next = open.pop() ?? NOBODY;
      }
      if (text.length > 8192) {
        yield text;
        text = '';
      }
      if (next === NOBODY) break;
      text += '(';
      open.push(nextSibling[next] ?? NOBODY);
      node = next;
    }
  }
  yield text;
}
