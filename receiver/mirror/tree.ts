/**
 * Mailbox names as IMAP shows them: levels joined by `/`, the mailbox with the role inbox called `INBOX`
 * (RFC 9051 §5.1). JMAP allows a `/` inside a name (RFC 8621 §2); it is shown as `／` (U+FF0F), and a control
 * character as U+FFFD. Names are looked up in the tree, never translated back, so a rename of the parent leaves
 * such a name alone at the edge. Siblings that would look the same get their id behind the name.
 */
import { specialUse } from '../../shared/roles.ts';
import type { Mailbox } from '../imap/session.ts';
import type { MailboxRow } from './file.ts';

export const SEPARATOR = '/';
/** Parents followed before a mailbox is taken for a top-level one: deeper trees, and cycles, are nobody's mail. */
const DEPTH_MAX = 64;

export interface TreeMailbox extends Mailbox {
  readonly row: MailboxRow;
  /** The last level as shown. */
  readonly leaf: string;
}

export class MailboxTree {
  /** Sorted by name, INBOX first. */
  readonly list: readonly TreeMailbox[];
  readonly #names = new Map<string, TreeMailbox>();
  readonly #ids = new Map<number, TreeMailbox>();

  constructor(rows: readonly MailboxRow[]) {
    const byId = new Map(rows.map((row) => [row.id, row]));
    const parents = new Map(rows.map((row) => [row.id, parentOf(row, byId)]));
    const leaves = leafNames(rows, parents);
    const withChildren = new Set(parents.values());
    const nodes = rows.map((row) => {
      const leaf = leaves.get(row.id) ?? '';
      return makeMailbox(row, leaf, pathOf(row.id, parents, leaves), withChildren.has(row.id));
    });
    this.list = nodes.sort(compareNames);
    for (const node of nodes) {
      this.#names.set(node.name, node);
      this.#ids.set(node.row.id, node);
    }
  }

  /** INBOX without regard to case, also as a parent; other names as they are or in Unicode form C. */
  find(name: string): TreeMailbox | undefined {
    const wanted = withInbox(name);
    return this.#names.get(wanted) ?? this.#names.get(wanted.normalize('NFC'));
  }

  get(id: number): TreeMailbox | undefined {
    return this.#ids.get(id);
  }

  /** True when `id` is `ancestor` or lies below it. */
  isWithin(id: number, ancestor: number): boolean {
    let at: number | null = id;
    for (let depth = 0; at !== null && depth <= DEPTH_MAX; depth++) {
      if (at === ancestor) return true;
      at = this.#ids.get(at)?.row.parent ?? null;
    }
    return false;
  }
}

/** `inbox/x` is `INBOX/x`. */
export function withInbox(name: string): string {
  return name.replace(/^inbox(?=\/|$)/i, 'INBOX');
}

/** The id as IMAP and JMAP show it (RFC 8474 §4.1). */
export function mailboxId(id: number): string {
  return `F${id}`;
}

/** Null at the top; also for a parent that is not there, for a cycle, and for the Inbox, which is always at the top. */
function parentOf(row: MailboxRow, byId: ReadonlyMap<number, MailboxRow>): number | null {
  if (row.role === 'inbox') return null;
  let at = row.parent === null ? undefined : byId.get(row.parent);
  if (!at) return null;
  for (let depth = 0; at && at.parent !== null; depth++) {
    if (depth >= DEPTH_MAX || at.id === row.id) return null;
    at = at.role === 'inbox' ? undefined : byId.get(at.parent);
  }
  return at?.id === row.id ? null : row.parent;
}

function leafNames(rows: readonly MailboxRow[], parents: ReadonlyMap<number, number | null>): Map<number, string> {
  const taken = new Set([`null${SEPARATOR}inbox`]);
  const leaves = new Map<number, string>();
  for (const row of rows) {
    const parent = parents.get(row.id) ?? null;
    let leaf = row.role === 'inbox' ? 'INBOX' : shownName(row.name);
    const key = () => `${parent}${SEPARATOR}${parent === null && /^inbox$/i.test(leaf) ? 'inbox' : leaf}`;
    if (row.role !== 'inbox') while (taken.has(key())) leaf = `${leaf} (${row.id})`;
    taken.add(key());
    leaves.set(row.id, leaf);
  }
  return leaves;
}

function shownName(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not reach the wire
  const shown = name.replaceAll(SEPARATOR, '／').replace(/[\u0000-\u001f\u007f]/g, '\ufffd');
  return shown === '' ? '\ufffd' : shown;
}

function pathOf(id: number, parents: ReadonlyMap<number, number | null>, leaves: ReadonlyMap<number, string>): string {
  const levels: string[] = [];
  for (let at: number | null = id; at !== null && levels.length <= DEPTH_MAX; at = parents.get(at) ?? null)
    levels.unshift(leaves.get(at) ?? '');
  return levels.join(SEPARATOR);
}

function makeMailbox(row: MailboxRow, leaf: string, name: string, hasChildren: boolean): TreeMailbox {
  const { uidvalidity, subscribed } = row;
  return { row, leaf, id: mailboxId(row.id), name, uidvalidity, subscribed, hasChildren, specialUse: specialUse(row.role) ?? null };
}

function compareNames(a: TreeMailbox, b: TreeMailbox): number {
  if (a.name === 'INBOX' || b.name === 'INBOX') return a.name === 'INBOX' ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}
