/**
 * THREAD=REFERENCES (RFC 5256 §3): who answers whom, from References and In-Reply-To, then threads of one subject gathered. The steps
 * are numbered as there. Nodes below `count` are the messages in mailbox order; behind them come the ids that no message has.
 */
import { NOBODY } from './forest.ts';
import type { ThreadedMessages } from './messages.ts';

/** Links walked between two looks at the clock: a loop is looked for up the whole thread. */
const WALK_TURN = 200_000;
/** Messages handled between two looks at the clock. */
const MESSAGES_TURN = 2048;

/**
 * The parent of each node: a message, a head that is no message (a number from `messages.length` on), or NOBODY. `order`: the messages by
 * sent date, ties in mailbox order.
 */
export async function threadByReferences(messages: ThreadedMessages, order: Uint32Array, pause: Pause): Promise<Int32Array> {
  const links = new Links(messages);
  await turns(messages.length, pause, (message) => links.name(message));
  for (let message = 0; message < messages.length; message++) {
    links.place(message);
    if (message % MESSAGES_TURN === 0 || links.walked > WALK_TURN) {
      links.walked = 0;
      await pause();
    }
  }
  const parents = await links.pruned(pause);
  return gatherSubjects(messages, order, parents, pause);
}

async function turns(length: number, pause: Pause, work: (index: number) => void): Promise<void> {
  for (let index = 0; index < length; index++) {
    work(index);
    if (index % MESSAGES_TURN === 0) await pause();
  }
}

/** Step 1: parents by id. */
class Links {
  /** Steps made in search of loops. */
  walked = 0;
  readonly #messages: ThreadedMessages;
  readonly #nodes = new Map<number, number>();
  readonly #parents: number[];
  /** How many nodes have this one as their parent: without any it can be nobody's ancestor. */
  readonly #children: number[];

  constructor(messages: ThreadedMessages) {
    this.#messages = messages;
    this.#parents = new Array<number>(messages.length).fill(NOBODY);
    this.#children = new Array<number>(messages.length).fill(0);
  }

  /** Of several messages with one id the first has it; the others, and those without, have ids that nobody names. */
  name(message: number): void {
    const own = this.#messages.ids(message)[0] ?? 0;
    if (own !== 0 && !this.#nodes.has(own)) this.#nodes.set(own, message);
  }

  place(message: number): void {
    const ids = this.#messages.ids(message);
    let before = NOBODY;
    // (A)
    for (let at = 1; at < ids.length; at++) {
      const node = this.#nodeOf(ids[at] ?? 0);
      if (before !== NOBODY && this.#parents[node] === NOBODY) this.#link(node, before);
      before = node;
    }
    // (B)
    this.#unlink(message);
    if (before !== NOBODY) this.#link(message, before);
  }

  /**
   * Steps 2 and 3: heads without a message go, and their children take their place; only at the top, and only over several children, one
   * stays. Answers parents among messages and such heads.
   */
  async pruned(pause: Pause): Promise<Int32Array> {
    const count = this.#messages.length;
    const parents = Int32Array.from(this.#parents);
    const heads = new Int32Array(parents.length);
    await turns(count, pause, (message) => {
      const parent = this.#nearest(parents, message);
      parents[message] = parent;
      if (parent >= count) heads[parent] = (heads[parent] ?? 0) + 1;
    });
    for (let message = 0; message < count; message++) {
      if ((heads[parents[message] ?? 0] ?? 0) === 1 && (parents[message] ?? 0) >= count) parents[message] = NOBODY;
    }
    return parents;
  }

  /** The next message above, else the topmost id without one, else NOBODY. Shortens the way for those that come after. */
  #nearest(parents: Int32Array, message: number): number {
    const count = this.#messages.length;
    const passed: number[] = [];
    let node = parents[message] ?? NOBODY;
    while (node >= count && (parents[node] ?? NOBODY) !== NOBODY) {
      passed.push(node);
      node = parents[node] ?? NOBODY;
    }
    for (const each of passed) parents[each] = node;
    return node;
  }

  #nodeOf(id: number): number {
    const known = this.#nodes.get(id);
    if (known !== undefined) return known;
    const made = this.#parents.push(NOBODY) - 1;
    this.#children.push(0);
    this.#nodes.set(id, made);
    return made;
  }

  #link(node: number, parent: number): void {
    if (this.#isAbove(node, parent)) return;
    this.#parents[node] = parent;
    this.#children[parent] = (this.#children[parent] ?? 0) + 1;
  }

  #unlink(node: number): void {
    const parent = this.#parents[node] ?? NOBODY;
    if (parent === NOBODY) return;
    this.#parents[node] = NOBODY;
    this.#children[parent] = (this.#children[parent] ?? 0) - 1;
  }

  /** `node` is `below` or an ancestor of it. */
  #isAbove(node: number, below: number): boolean {
    if (node === below) return true;
    if (this.#children[node] === 0) return false;
    for (let at = this.#parents[below] ?? NOBODY; at !== NOBODY; at = this.#parents[at] ?? NOBODY) {
      this.walked += 1;
      if (at === node) return true;
    }
    return false;
  }
}

/** The first message of a thread and the node at its top: that message, or a head without one. */
interface Root {
  node: number;
  first: number;
}
type Pause = () => Promise<void>;

/** Steps 4 and 5: threads with one subject become one. Answers the parents, with heads for those gathered under none of them. */
async function gatherSubjects(messages: ThreadedMessages, order: Uint32Array, parents: Int32Array, pause: Pause): Promise<Int32Array> {
  const count = messages.length;
  const roots = await rootsOf(order, parents, count, pause);
  const subjectOf = ({ first }: Root) => messages.base(first);
  const isReply = (node: number) => messages.isReply(node);
  // (B)
  const table = new Map<number, number>();
  await turns(roots.length, pause, (index) => {
    const root = roots[index];
    const subject = root ? subjectOf(root) : 0;
    if (!root || subject === 0) return;
    const known = table.get(subject);
    const better = known !== undefined && known < count && (root.node >= count || (isReply(known) && !isReply(root.node)));
    if (known === undefined || better) table.set(subject, root.node);
  });
  // (C)
  const gathered = Array.from(parents);
  const moved = new Map<number, number>();
  await turns(roots.length, pause, (index) => {
    const root = roots[index];
    const subject = root ? subjectOf(root) : 0;
    const known = table.get(subject);
    if (!root || subject === 0 || known === undefined || known === root.node) return;
    if (root.node >= count) moved.set(root.node, known);
    else if (known >= count || (isReply(root.node) && !isReply(known))) gathered[root.node] = known;
    else {
      const head = gathered.push(NOBODY) - 1;
      gathered[root.node] = head;
      gathered[known] = head;
      table.set(subject, head);
    }
  });
  for (let message = 0; moved.size > 0 && message < count; message++) {
    const parent = gathered[message] ?? NOBODY;
    gathered[message] = moved.get(parent) ?? parent;
  }
  return Int32Array.from(gathered);
}

/** (4) The top level by date; a head without a message stands where its first child would. */
async function rootsOf(order: Uint32Array, parents: Int32Array, count: number, pause: Pause): Promise<Root[]> {
  const roots: Root[] = [];
  const seen = new Set<number>();
  await turns(order.length, pause, (index) => {
    const first = order[index] ?? 0;
    const parent = parents[first] ?? NOBODY;
    if (parent === NOBODY) roots.push({ node: first, first });
    else if (parent >= count && !seen.has(parent)) {
      seen.add(parent);
      roots.push({ node: parent, first });
    }
  });
  return roots;
}
