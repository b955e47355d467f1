/**
 * One account's mail in arrays, behind `memory-session.ts`: mailboxes, emails, placements, the clock, and who listens.
 * Every change is applied and told in the same turn, so a test sees no state in between.
 */
import { readFile } from 'node:fs/promises';
import { METADATA_ENTRIES_MAX } from '../../shared/metadata.ts';
import { envelopeWire } from '../../shared/mime/envelope.ts';
import { indexMessage } from '../../shared/mime/indexer.ts';
import { type MessageKeys, messageKeys } from '../../shared/mime/message-keys.ts';
import { bodyStructureWire } from '../../shared/mime/structure.ts';
import { DEFAULT_MAILBOXES, specialUse } from '../../shared/roles.ts';
import { combineDeleted, combineKeywords, type Email, hasFlag, internable, MemoryMailbox, type Placement } from './memory-mailbox.ts';
import type { ColumnName, ColumnRow, MessageColumns } from './search/columns.ts';
import { type AppendMessage, type Flags, type Mailbox, type Message, Refusal, type StoreRequest } from './session.ts';
import type { ResponseCode } from './wire/codes.ts';

export class MemoryAccount {
  readonly address: string;
  readonly mailboxes = new Map<string, MemoryMailbox>();
  readonly #emails = new Map<string, Email>();
  readonly #flags = new Map<string, Flags>();
  readonly #keys = new WeakMap<Email, MessageKeys>();
  /** Annotations by mailbox id; '' is the server. */
  readonly metadata = new Map<string, Map<string, string>>();
  readonly watchers = new Set<() => void>();
  /** Octets it may hold; null for no limit. */
  quota: number | null = null;
  /** Annotations it may hold. */
  metadataMax = METADATA_ENTRIES_MAX;
  /** Capabilities switched off, upper case. */
  without: ReadonlySet<string> = new Set();
  #changed = false;
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

  byName(name: string, code: ResponseCode = 'NONEXISTENT'): MemoryMailbox {
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
    this.metadata.delete(mailbox.id);
    this.changed();
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
    this.changed();
    this.#makeParents(to);
    for (const mailbox of [...this.mailboxes.values()]) {
      if (mailbox !== source && !mailbox.name.startsWith(`${from}/`)) continue;
      this.mailboxes.delete(mailbox.name);
      mailbox.name = to + mailbox.name.slice(from.length);
      this.mailboxes.set(mailbox.name, mailbox);
    }
  }

  /** Throws OVERQUOTA when there is no room for all of `messages`. `freed`: octets that go at the same time. */
  makeRoom(messages: readonly AppendMessage[], freed = 0): void {
    const octets = messages.reduce((sum, { body }) => sum + (body instanceof Uint8Array ? body.length : body.size), this.octets - freed);
    if (this.quota !== null && octets > this.quota) throw new Refusal('OVERQUOTA', 'Not enough room');
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
    const modseq = this.#tick();
    mailbox.highestModseq = modseq;
    mailbox.placements = mailbox.placements.filter((placement) => !gone.has(placement));
    mailbox.expunged.push(...[...gone].map(({ uid }) => ({ uid, modseq })));
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

  columnsOf<const Names extends readonly ColumnName[]>(placement: Placement, names: Names): ColumnRow<Names> {
    const { email } = placement;
    const keys = this.#keys.get(email) ?? messageKeys(email.index.headers);
    this.#keys.set(email, keys);
    const columns: MessageColumns = { ...keys, ...this.messageOf(placement), hasBase: keys.base !== '' };
    return names.map((name) => columns[name]) as ColumnRow<Names>;
  }

  original(id: string): Uint8Array {
    const email = this.#emails.get(id);
    if (!email) throw new Refusal('UNAVAILABLE', 'The message is gone');
    return email.raw;
  }

  get octets(): number {
    return [...this.#emails.values()].reduce((sum, { index }) => sum + index.size, 0);
  }

  /** Watchers are told once, when what is under way has been done. */
  changed(): void {
    if (this.#changed) return;
    this.#changed = true;
    setImmediate(() => {
      this.#changed = false;
      for (const watcher of [...this.watchers]) watcher();
    });
  }

  #known(mailbox: MemoryMailbox | undefined, code: ResponseCode): MemoryMailbox {
    if (!mailbox) throw new Refusal(code, 'No such mailbox');
    return mailbox;
  }

  #make(name: string, use: string | null): MemoryMailbox {
    this.#ids += 1;
    const mailbox = new MemoryMailbox(`F${this.#ids}`, name, 1_700_000_000 + this.#ids, use);
    this.mailboxes.set(name, mailbox);
    this.changed();
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
    this.changed();
    return this.#modseq;
  }
}

function emailId({ id }: { id: number }): string {
  return `M${id}`;
}
