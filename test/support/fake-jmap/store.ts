/** The fake server's memory: mailboxes, emails, and the few queries of JMAP that the webmail makes. */
import { samples } from './samples.ts';
import { type FakeEmail, generated } from './world.ts';

export interface FakeMailbox {
  id: string;
  name: string;
  parentId: string | null;
  role: string | null;
  sortOrder: number;
}

type Filter = Record<string, unknown>;

export class FakeStore {
  readonly mailboxes: FakeMailbox[] = [
    ...['inbox', 'drafts', 'sent', 'archive', 'junk', 'trash'].map((role, sortOrder) => ({
      id: `F${role}`,
      name: (role[0] ?? '').toUpperCase() + role.slice(1),
      parentId: null,
      role,
      sortOrder,
    })),
    { id: 'Fwork', name: 'Work', parentId: null, role: null, sortOrder: 10 },
    { id: 'Ftravel', name: 'Travel', parentId: 'Fwork', role: null, sortOrder: 10 },
  ];
  readonly emails = new Map<string, FakeEmail>();
  readonly blobs = new Map<string, { bytes: Uint8Array; type: string }>();
  modseq = 1;
  /** Newest first. */
  #sorted: FakeEmail[] | null = null;
  #threads: Map<string, FakeEmail[]> | null = null;

  constructor(messages: number, now = Date.now()) {
    const shown = messages === 0 ? [] : messages <= 3 ? samples(now).slice(3, 3 + messages) : samples(now);
    for (const email of shown) this.emails.set(email.id, email);
    for (let n = 0; n < messages - shown.length; n++) {
      const email = generated(n + 5, now);
      this.emails.set(email.id, email);
    }
  }

  touch(): void {
    this.modseq++;
    this.#sorted = null;
    this.#threads = null;
  }

  sorted(): FakeEmail[] {
    this.#sorted ??= [...this.emails.values()].sort((a, b) => (a.receivedAt < b.receivedAt ? 1 : -1));
    return this.#sorted;
  }

  thread(id: string): FakeEmail[] {
    this.#threads ??= Map.groupBy(this.sorted().toReversed(), ({ threadId }) => threadId);
    return this.#threads.get(id) ?? [];
  }

  /** Ids of the filter, newest first, threads collapsed. */
  query(filter: Filter, collapse: boolean): string[] {
    const seen = new Set<string>();
    const ids: string[] = [];
    for (const email of this.sorted()) {
      if (!matches(email, filter)) continue;
      if (collapse && seen.has(email.threadId)) continue;
      seen.add(email.threadId);
      ids.push(email.id);
    }
    return ids;
  }

  counts(mailboxId: string): Record<string, number> {
    const within = this.sorted().filter(({ mailboxIds }) => mailboxIds[mailboxId]);
    const unread = within.filter(({ keywords }) => !keywords.$seen && !keywords.$draft);
    const threads = (list: FakeEmail[]) => new Set(list.map(({ threadId }) => threadId)).size;
    return { totalEmails: within.length, unreadEmails: unread.length, totalThreads: threads(within), unreadThreads: threads(unread) };
  }
}

function matches(email: FakeEmail, filter: Filter): boolean {
  if (typeof filter.operator === 'string') {
    const results = (filter.conditions as Filter[]).map((condition) => matches(email, condition));
    if (filter.operator === 'NOT') return !results.some(Boolean);
    return filter.operator === 'OR' ? results.some(Boolean) : results.every(Boolean);
  }
  return Object.entries(filter).every(([name, value]) => CONDITIONS[name]?.(email, value) ?? false);
}

const has = (text: string, value: unknown) =>
  String(value)
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.toLowerCase().includes(word.replaceAll('"', '')));
const people = (list: FakeEmail['to']) => list.map(({ name, email }) => `${name ?? ''} ${email}`).join(' ');

const CONDITIONS: Record<string, (email: FakeEmail, value: unknown) => boolean> = {
  inMailbox: (email, id) => email.mailboxIds[String(id)] === true,
  inMailboxOtherThan: (email, ids) => Object.keys(email.mailboxIds).some((id) => !(ids as string[]).includes(id)),
  hasKeyword: (email, keyword) => email.keywords[String(keyword)] === true,
  notKeyword: (email, keyword) => email.keywords[String(keyword)] !== true,
  hasAttachment: (email, value) => email.hasAttachment === value,
  from: (email, value) => has(people(email.from), value),
  to: (email, value) => has(people(email.to), value),
  subject: (email, value) => has(email.subject, value),
  text: (email, value) => has(`${people(email.from)} ${people(email.to)} ${email.subject} ${email.preview}`, value),
};
