/**
 * THREAD=REFERENCES as RFC 5256 §3 words it, with objects, recursion and sorting at every step: what the real one is compared with. Slow
 * and obvious on purpose.
 */

export interface ThreadedMessage {
  /** Its own id or 0, then its references. */
  ids: Float64Array;
  /** The same for the same base subject, 0 for an empty one. */
  base: number;
  reply: boolean;
}

interface Container {
  /** Number of the message; null for a dummy. */
  message: number | null;
  parent: Container | null;
  children: Container[];
}

/** The answer as THREAD writes it, messages numbered from 1. */
export function naiveThreads(messages: readonly ThreadedMessage[], dates: readonly number[]): string {
  const all = link(messages);
  let top = all.filter(({ parent }) => parent === null);
  top = prune(top, true);
  const first = (node: Container): number => node.message ?? first(sorted(node.children)[0] ?? node);
  const before = (a: Container, b: Container) => (dates[first(a)] ?? 0) - (dates[first(b)] ?? 0) || first(a) - first(b);
  const sorted = (nodes: Container[]) => [...nodes].sort(before);
  top = sorted(top);
  top = gather(top, messages, (node) => messages[first(node)]?.base ?? 0);
  return sorted(top)
    .map((node) => `(${write(node, sorted)})`)
    .join('');
}

/** Step 1. */
function link(messages: readonly ThreadedMessage[]): Container[] {
  const all: Container[] = messages.map((_, message) => ({ message, parent: null, children: [] }));
  const byId = new Map<number, Container>();
  for (const [message, { ids }] of messages.entries()) {
    const container = all[message];
    if (container && ids[0] && !byId.has(ids[0])) byId.set(ids[0], container);
  }
  for (const [message, { ids }] of messages.entries()) {
    const current = all[message];
    if (!current) continue;
    const chain = [...ids].slice(1).map((id) => {
      const known = byId.get(id) ?? { message: null, parent: null, children: [] };
      if (!byId.has(id)) all.push(known);
      byId.set(id, known);
      return known;
    });
    for (let at = 1; at < chain.length; at++) {
      const [parent, child] = [chain[at - 1], chain[at]];
      if (parent && child && child.parent === null) adopt(parent, child);
    }
    if (current.parent) current.parent.children = current.parent.children.filter((child) => child !== current);
    current.parent = null;
    const last = chain.at(-1);
    if (last) adopt(last, current);
  }
  return all;
}

function adopt(parent: Container, child: Container): void {
  for (let above: Container | null = parent; above; above = above.parent) if (above === child) return;
  child.parent = parent;
  parent.children.push(child);
}

/** Step 3. */
function prune(nodes: Container[], top: boolean): Container[] {
  return nodes.flatMap((node) => {
    node.children = prune(node.children, false);
    if (node.message !== null) return [node];
    if (top && node.children.length > 1) return [node];
    return node.children;
  });
}

/** Step 5. */
function gather(top: Container[], messages: readonly ThreadedMessage[], subjectOf: (node: Container) => number): Container[] {
  const isReply = ({ message }: Container) => message !== null && messages[message]?.reply === true;
  const table = new Map<number, Container>();
  const subjects = new Map(top.map((node) => [node, subjectOf(node)]));
  for (const node of top) {
    const subject = subjects.get(node) ?? 0;
    const known = table.get(subject);
    if (subject === 0) continue;
    if (!known || (known.message !== null && (node.message === null || (isReply(known) && !isReply(node))))) table.set(subject, node);
  }
  let result = [...top];
  for (const node of top) {
    const subject = subjects.get(node) ?? 0;
    const known = table.get(subject);
    if (subject === 0 || !known || known === node) continue;
    result = result.filter((other) => other !== node);
    if (known.message === null && node.message === null) known.children.push(...node.children);
    else if (known.message === null || (isReply(node) && !isReply(known))) known.children.push(node);
    else {
      const dummy: Container = { message: null, parent: null, children: [node, known] };
      result = result.map((other) => (other === known ? dummy : other));
      table.set(subject, dummy);
    }
  }
  return result;
}

function write(node: Container, sorted: (nodes: Container[]) => Container[]): string {
  const children = sorted(node.children);
  const own = node.message === null ? '' : String(node.message + 1);
  const [only] = children;
  if (children.length === 1 && only) return `${own} ${write(only, sorted)}`;
  const nested = children.map((child) => `(${write(child, sorted)})`).join('');
  return nested === '' ? own : `${own}${own === '' ? '' : ' '}${nested}`;
}
