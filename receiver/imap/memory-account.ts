/**
 * One account's mail in arrays, behind `memory-session.ts`: mailboxes, emails, placements, the clock, and who listens.
 * Every change is applied and told in the same turn, so a test sees no state in between.
 */
import { readFile } from 'node:fs/promises';
import { flagOfKeyword, keywordOfFlag } from '../../shared/flags.ts';
import { envelopeWire } from '../../shared/mime/envelope.ts';
import type { MessageIndex } from '../../shared/mime/index-types.ts';
import { indexMessage } from '../../shared/mime/indexer.ts';
import { bodyStructureWire } from '../../shared/mime/structure.ts';
import { DEFAULT_MAILBOXES, specialUse } from '../../shared/roles.ts';
import {
  type AppendMessage,
  type Flags,
  type Mailbox,
  type MailboxChange,
  type MailboxStatus,
  type Message,
  Refusal,
  type StoreRequest,
} from './session.ts';

interface Email {
  id: number;
  thread: number;
  raw: Uint8Array;
  index: MessageIndex;
  wire: { envelope: string; body: string; bodyStructure: string };
  /** IMAP spelling, without `\Deleted`. */
  keywords: string[];
  placements: Set<Placement>;
}
export interface Placement {
  uid: number;
  mailbox: MemoryMailbox;
  email: Email;
  deleted: boolean;
  modseq: number;
  internalDate: number;
  savedDate: number;
}

export class MemoryMailbox {
  name: string;
  subscribed = true;
  uidnext = 1;
  highestModseq = 1;
  /** By uid, ascending. */
  placements: Placement[] = [];
  readonly id: string;
  readonly uidvalidity: number;
  readonly specialUse: string | null;
  readonly listeners = new Set<(change: MailboxChange) => void>();

  constructor(id: string, name: string, uidvalidity: number, use: string | null) {
    this.id = id;
    this.name = name;
    this.uidvalidity = uidvalidity;
    this.specialUse = use;
  }

  placement(uid: number): Placement | undefined {
    const { placements } = this;
    // As long as nothing was expunged, UID n is element n-1.
    const guess = placements[uid - 1];
    if (guess?.uid === uid) return guess;
    let low = 0;
    let high = placements.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((placements[middle]?.uid ?? 0) < uid) low = middle + 1;
      else high = middle;
    }
    return placements[low]?.uid === uid ? placements[low] : undefined;
  }

  those(uids: number[]): Placement[] {
    return uids.map((uid) => this.placement(uid)).filter((placement) => placement !== undefined);
  }

  keywords(): string[] {
    const keywords = new Map<string, string>();
    for (const { email } of this.placements) {
      for (const keyword of email.keywords) if (!keyword.startsWith('\\')) keywords.set(keyword.toLowerCase(), keyword);
    }
    return [...keywords.values()].sort();
  }

  status(): MailboxStatus {
    const { placements, uidnext, uidvalidity, highestModseq } = this;
    return {
      messages: placements.length,
      unseen: placements.filter(({ email }) => !email.keywords.includes('\\Seen')).length,
      deleted: placements.filter(({ deleted }) => deleted).length,
      uidnext,
      uidvalidity,
      highestModseq,
      size: placements.reduce((total, { email }) => total + email.index.size, 0),
    };
  }

  tell(change: Partial<MailboxChange>): void {
    for (const listener of [...this.listeners]) listener({ added: [], expunged: [], flags: [], ...change });
  }
}

export class MemoryAccount {
  readonly address: string;
  readonly mailboxes = new Map<string, MemoryMailbox>();
  readonly #emails = new Map<string, Email>();
  readonly #flags = new Map<string, Flags>();
  #modseq = 1;
  #ids = 0;

  constructor(address: string) {
    this.address = address;
    for (const { name, role } of DEFAULT_MAILBOXES) this.#make(role === 'inbox' ? 'INBOX' : name, specialUse(role) ?? null);
  }

  sorted(): MemoryMailbox[] {
    const key = ({ name }: MemoryMailbox) => (name === 'INBOX' ? '' : name);
    return [...this.mailboxes.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }

  describe({ id, name, uidvalidity, subscribed, specialUse: use }: MemoryMailbox): Mailbox {
    const hasChildren = [...this.mailboxes.keys()].some((other) => other.startsWith(`${name}/`));
    return { id, name, uidvalidity, subscribed, hasChildren, specialUse: use };
  }

  byId(id: string): MemoryMailbox {
    return this.#known(
      [...this.mailboxes.values()].find((mailbox) => mailbox.id === id),
      'NONEXISTENT',
    );
  }

  byName(name: string, code = 'NONEXISTENT'): MemoryMailbox {
    return this.#known(this.mailboxes.get(name), code);
  }

  create(name: string, use: string | null): MemoryMailbox {
    if (this.mailboxes.has(name)) throw new Refusal('ALREADYEXISTS', 'There is a mailbox of that name');
    if (use !== null && [...this.mailboxes.values()].some((mailbox) => mailbox.specialUse === use)) {
      throw new Refusal('USEATTR', 'Another mailbox has this use');
    }
    this.#makeParents(name);
    return this.#make(name, use);
  }

  delete(name: string): void {
    const mailbox = this.byName(name);
    this.remove(mailbox, mailbox.placements);
    this.mailboxes.delete(name);
    mailbox.tell({ destroyed: true });
  }

  rename(from: string, to: string): void {
    if (this.mailboxes.has(to)) throw new Refusal('ALREADYEXISTS', 'There is a mailbox of that name');
    const source = this.byName(from);
    if (from === 'INBOX') {
      const target = this.create(to, null);
      const placements = [...source.placements];
      this.copy(placements, target);
      this.remove(source, placements);
      return;
    }
    this.#makeParents(to);
    for (const mailbox of [...this.mailboxes.values()]) {
      if (mailbox !== source && !mailbox.name.startsWith(`${from}/`)) continue;
      this.mailboxes.delete(mailbox.name);
      mailbox.name = to + mailbox.name.slice(from.length);
      this.mailboxes.set(mailbox.name, mailbox);
    }
  }

  async append(target: MemoryMailbox, { flags, internalDate, body }: AppendMessage): Promise<number> {
    const raw = body instanceof Uint8Array ? body : await readFile(body.path);
    const now = Date.now();
    const email = this.#newEmail(raw, flags);
    const placement = this.#place(email, target, { internalDate: internalDate ?? now, deleted: hasFlag(flags, '\\Deleted') });
    target.tell({ added: [placement.uid] });
    return placement.uid;
  }

  /** One more placement for each; pairs of old and new uid. */
  copy(placements: Placement[], target: MemoryMailbox): [number, number][] {
    const pairs = placements.map(({ uid, email, internalDate }): [number, number] => [
      uid,
      this.#place(email, target, { internalDate, deleted: false }).uid,
    ]);
    if (pairs.length > 0) target.tell({ added: pairs.map(([, uid]) => uid) });
    return pairs;
  }

  remove(mailbox: MemoryMailbox, placements: Placement[]): void {
    const gone = new Set(placements);
    if (gone.size === 0) return;
    mailbox.highestModseq = this.#tick();
    mailbox.placements = mailbox.placements.filter((placement) => !gone.has(placement));
    for (const placement of gone) {
      placement.email.placements.delete(placement);
      if (placement.email.placements.size === 0) this.#emails.delete(emailId(placement.email));
    }
    mailbox.tell({ expunged: [...gone].map(({ uid }) => uid).sort((a, b) => a - b) });
  }

  /** Flags are the email's, so its other placements change with it. */
  changeFlags(placements: Placement[], mode: StoreRequest['mode'], flags: string[]): void {
    const modseq = this.#tick();
    const touched = new Set<Placement>();
    const deleted = hasFlag(flags, '\\Deleted');
    const keywords = flags.filter((flag) => !hasFlag([flag], '\\Deleted'));
    for (const placement of placements) {
      if (placement.deleted !== combineDeleted(placement.deleted, mode, deleted)) {
        placement.deleted = !placement.deleted;
        touched.add(placement);
      }
      const after = combineKeywords(placement.email.keywords, mode, keywords);
      if (after.join(' ') === placement.email.keywords.join(' ')) continue;
      placement.email.keywords = after;
      for (const other of placement.email.placements) touched.add(other);
    }
    this.#tellFlags(touched, modseq);
  }

  flagsOf({ email, deleted }: Placement): Flags {
    const text = `(${[...(deleted ? ['\\Deleted'] : []), ...email.keywords].join(' ')})`;
    let flags = this.#flags.get(text);
    if (!flags) {
      flags = internable(text);
      this.#flags.set(text, flags);
    }
    return flags;
  }

  messageOf({ uid, email, internalDate, savedDate }: Placement): Message {
    const { index, wire, thread } = email;
    return {
      uid,
      emailId: emailId(email),
      threadId: `T${thread}`,
      size: index.size,
      internalDate,
      sentDate: index.sentAt,
      savedDate,
      ...wire,
      headers: index.headers,
      headersComplete: index.headersComplete,
      structure: index.structure,
      preview: index.preview,
    };
  }

  original(id: string): Uint8Array {
    const email = this.#emails.get(id);
    if (!email) throw new Refusal('UNAVAILABLE', 'The message is gone');
    return email.raw;
  }

  #known(mailbox: MemoryMailbox | undefined, code: string): MemoryMailbox {
    if (!mailbox) throw new Refusal(code, 'No such mailbox');
    return mailbox;
  }

  #make(name: string, use: string | null): MemoryMailbox {
    this.#ids += 1;
    const mailbox = new MemoryMailbox(`F${this.#ids}`, name, 1_700_000_000 + this.#ids, use);
    this.mailboxes.set(name, mailbox);
    return mailbox;
  }

  #makeParents(name: string): void {
    for (let at = name.indexOf('/'); at > 0; at = name.indexOf('/', at + 1)) {
      if (!this.mailboxes.has(name.slice(0, at))) this.#make(name.slice(0, at), null);
    }
  }

  #newEmail(raw: Uint8Array, flags: string[]): Email {
    const index = indexMessage(raw);
    this.#ids += 1;
    const wire = {
      envelope: envelopeWire(index.headers),
      body: bodyStructureWire(index.structure, false),
      bodyStructure: bodyStructureWire(index.structure, true),
    };
    const keywords = combineKeywords(
      [],
      'add',
      flags.filter((flag) => !hasFlag([flag], '\\Deleted')),
    );
    const email = { id: this.#ids, thread: this.#ids, raw, index, wire, keywords, placements: new Set<Placement>() };
    this.#emails.set(emailId(email), email);
    return email;
  }

  #place(email: Email, mailbox: MemoryMailbox, facts: { internalDate: number; deleted: boolean }): Placement {
    const modseq = this.#tick();
    const placement = { uid: mailbox.uidnext, mailbox, email, modseq, savedDate: Date.now(), ...facts };
    mailbox.uidnext += 1;
    mailbox.highestModseq = modseq;
    mailbox.placements.push(placement);
    email.placements.add(placement);
    return placement;
  }

  #tellFlags(touched: Set<Placement>, modseq: number): void {
    const perMailbox = Map.groupBy(touched, ({ mailbox }) => mailbox);
    for (const [mailbox, placements] of perMailbox) {
      mailbox.highestModseq = modseq;
      for (const placement of placements) placement.modseq = modseq;
      mailbox.tell({ flags: placements.map(({ uid }) => uid).sort((a, b) => a - b) });
    }
  }

  #tick(): number {
    this.#modseq += 1;
    return this.#modseq;
  }
}

function emailId({ id }: { id: number }): string {
  return `M${id}`;
}

function hasFlag(flags: readonly string[], wanted: string): boolean {
  return flags.some((flag) => flag.toLowerCase() === wanted.toLowerCase());
}

function combineDeleted(before: boolean, mode: StoreRequest['mode'], named: boolean): boolean {
  if (mode === 'replace') return named;
  return named ? mode === 'add' : before;
}

/** Sorted, each keyword once, in the spelling the store gives back (it keeps them in lower case). */
function combineKeywords(before: readonly string[], mode: StoreRequest['mode'], flags: readonly string[]): string[] {
  const result = new Set(mode === 'replace' ? [] : before.map(keyOf));
  for (const flag of flags) {
    if (mode === 'remove') result.delete(keyOf(flag));
    else result.add(keyOf(flag));
  }
  return [...result].sort().map(flagOfKeyword);
}

function keyOf(flag: string): string {
  return keywordOfFlag(flag) ?? flag.toLowerCase();
}

function internable(text: string): Flags {
  const list = text === '()' ? [] : text.slice(1, -1).split(' ');
  const lower = new Set(list.map((flag) => flag.toLowerCase()));
  return { list, text, has: (flag) => lower.has(flag.toLowerCase()) };
}
