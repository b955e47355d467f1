/**
 * Mail held in arrays: the second implementation of the session interface, there so that the protocol can be tested without
 * an edge, and as its plainest description. It keeps the store's rules: flags belong to the email and are shared by its
 * copies, `\Deleted` belongs to the placement, UIDs are never used again (DESIGN.md, index tables).
 */
import { MemoryAccount } from './memory-account.ts';
import type { MemoryMailbox } from './memory-mailbox.ts';
import { beginMemoryScram } from './memory-proofs.ts';
import { wordMatches } from './memory-words.ts';
import type { ColumnName, ColumnRow, TextMatches, TextScope } from './search/columns.ts';
import { SortOrders } from './search/orders.ts';
import {
  type AppendMessage,
  type Backend,
  type CopyResult,
  type Flags,
  type Mailbox,
  type MailboxChange,
  type MailboxStatus,
  type Message,
  type Metadata,
  type Quota,
  Refusal,
  type ScramExchange,
  type SelectedMailbox,
  type Session,
  type StoreRequest,
} from './session.ts';

/** Accounts by address, with their passwords. */
export class MemoryBackend implements Backend {
  readonly #accounts = new Map<string, { password: string; account: MemoryAccount }>();

  /** The account of `address`, made when it is new. */
  add(address: string, password: string): MemoryAccount {
    const account = new MemoryAccount(address);
    this.#accounts.set(address.toLowerCase(), { password, account });
    return account;
  }

  async login(username: string, password: string): Promise<Session | null> {
    const found = this.#accounts.get(username.toLowerCase());
    return found && found.password === password ? new MemorySession(found.account) : null;
  }

  scram(username: string, clientFirstBare: string): Promise<ScramExchange> {
    const found = this.#accounts.get(username.toLowerCase());
    const open = async () => {
      if (!found) throw new Refusal('AUTHENTICATIONFAILED', 'Wrong user name or password');
      return new MemorySession(found.account);
    };
    return beginMemoryScram(clientFirstBare, found?.password ?? null, open);
  }

  /** The password serves as the token. */
  async bearer(username: string | null, token: string): Promise<Session | null> {
    return username === null ? null : this.login(username, token);
  }
}

export class MemorySession implements Session {
  readonly #account: MemoryAccount;

  constructor(account: MemoryAccount) {
    this.#account = account;
  }

  get address(): string {
    return this.#account.address;
  }

  get without(): ReadonlySet<string> {
    return this.#account.without;
  }

  mailboxes(): Mailbox[] {
    return this.#account.sorted().map((mailbox) => this.#account.describe(mailbox));
  }

  find(name: string): Mailbox | undefined {
    const mailbox = this.#account.mailboxes.get(name);
    return mailbox && this.#account.describe(mailbox);
  }

  clock(mailbox: Mailbox): number {
    return this.#account.byId(mailbox.id).highestModseq;
  }

  status(mailbox: Mailbox): MailboxStatus {
    return this.#account.byId(mailbox.id).status();
  }

  select(mailbox: Mailbox, readOnly: boolean): SelectedMailbox {
    return new MemorySelectedMailbox(this.#account, this.#account.byId(mailbox.id), readOnly);
  }

  async create(name: string, specialUse: string | null): Promise<Mailbox> {
    return this.#account.describe(this.#account.create(name, specialUse));
  }

  async delete(name: string): Promise<void> {
    this.#account.delete(name);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#account.rename(from, to);
  }

  async setSubscribed(name: string, subscribed: boolean): Promise<void> {
    this.#account.byName(name).subscribed = subscribed;
    this.#account.changed();
  }

  async append(mailbox: string, messages: AppendMessage[]): Promise<{ uidvalidity: number; uids: number[] }> {
    const target = this.#account.byName(mailbox, 'TRYCREATE');
    this.#account.makeRoom(messages);
    const uids: number[] = [];
    for (const message of messages) uids.push(await this.#account.append(target, message));
    return { uidvalidity: target.uidvalidity, uids };
  }

  quota(): Quota {
    return { octets: this.#account.octets, limit: this.#account.quota };
  }

  metadata(mailbox: Mailbox | null): Metadata {
    return this.#account.metadata.get(mailbox?.id ?? '') ?? new Map();
  }

  async setMetadata(mailbox: Mailbox | null, entries: ReadonlyMap<string, string | null>): Promise<void> {
    const after = new Map(this.metadata(mailbox));
    for (const [entry, value] of entries) {
      if (value === null) after.delete(entry);
      else after.set(entry, value);
    }
    const { metadata } = this.#account;
    const before = metadata.get(mailbox?.id ?? '')?.size ?? 0;
    const count = [...metadata.values()].reduce((sum, { size }) => sum + size, after.size - before);
    if (after.size > before && count > this.#account.metadataMax) throw new Refusal('METADATA TOOMANY', 'Too many annotations');
    metadata.set(mailbox?.id ?? '', after);
    this.#account.changed();
  }

  watch(listener: () => void): () => void {
    this.#account.watchers.add(listener);
    return () => this.#account.watchers.delete(listener);
  }

  onRevoked(): () => void {
    return () => {};
  }

  async refresh(): Promise<void> {}
  async ready(): Promise<void> {}
  close(): void {}
}

class MemorySelectedMailbox implements SelectedMailbox {
  readonly readOnly: boolean;
  readonly orders = new SortOrders();
  readonly #account: MemoryAccount;
  readonly #box: MemoryMailbox;

  constructor(account: MemoryAccount, box: MemoryMailbox, readOnly: boolean) {
    this.#account = account;
    this.#box = box;
    this.readOnly = readOnly;
  }

  get mailbox(): Mailbox {
    return this.#account.describe(this.#box);
  }

  uids(): Uint32Array {
    return Uint32Array.from(this.#box.placements, ({ uid }) => uid);
  }

  uidnext(): number {
    return this.#box.uidnext;
  }

  highestModseq(): number {
    return this.#box.highestModseq;
  }

  flags(uid: number): Flags | undefined {
    const placement = this.#box.placement(uid);
    return placement && this.#account.flagsOf(placement);
  }

  modseq(uid: number): number {
    return this.#box.placement(uid)?.modseq ?? 0;
  }

  vanished(modseq: number): number[] | null {
    return this.#box.vanished(modseq);
  }

  *messages(uids: Iterable<number>): Iterable<Message> {
    for (const uid of uids) {
      const placement = this.#box.placement(uid);
      if (placement) yield this.#account.messageOf(placement);
    }
  }

  columns<const Names extends readonly ColumnName[]>(names: Names, uids: ArrayLike<number>): (ColumnRow<Names> | undefined)[] {
    return Array.from(uids, (uid) => {
      const placement = this.#box.placement(uid);
      return placement && this.#account.columnsOf(placement, names);
    });
  }

  async scanTexts(_scope: TextScope, _text: string, uids: Uint32Array): Promise<TextMatches> {
    return { found: [], unread: [...uids] };
  }

  keepText(): void {}

  async fullText(scope: TextScope, text: string): Promise<ReadonlySet<number> | null> {
    return wordMatches(this.#box.placements, scope, text);
  }

  async read(message: Message, range?: { offset: number; length: number }): Promise<Uint8Array> {
    const raw = this.#account.original(message.emailId);
    return range ? raw.subarray(range.offset, range.offset + range.length) : raw;
  }

  async *stream(message: Message, range?: { offset: number; length: number }): AsyncIterable<Uint8Array> {
    const raw = await this.read(message, range);
    for (let offset = 0; offset < raw.length; offset += 65_536) yield raw.subarray(offset, offset + 65_536);
  }

  keywords(): string[] {
    return this.#box.keywords();
  }

  async store({ uids, mode, flags, unchangedSince }: StoreRequest): Promise<{ modified: number[] }> {
    const placements = this.#box.those(uids);
    const modified = placements.filter(({ modseq }) => unchangedSince !== undefined && modseq > unchangedSince);
    const held = new Set(modified);
    this.#account.changeFlags(
      placements.filter((placement) => !held.has(placement)),
      mode,
      flags,
    );
    return { modified: modified.map(({ uid }) => uid) };
  }

  async copy(uids: number[], target: string): Promise<CopyResult> {
    const to = this.#account.byName(target, 'TRYCREATE');
    return { uidvalidity: to.uidvalidity, pairs: this.#account.copy(this.#box.those(uids), to) };
  }

  async move(uids: number[], target: string): Promise<CopyResult> {
    const to = this.#account.byName(target, 'TRYCREATE');
    const placements = this.#box.those(uids);
    const pairs = this.#account.copy(placements, to);
    this.#account.remove(this.#box, placements);
    return { uidvalidity: to.uidvalidity, pairs };
  }

  async replace(uid: number, target: string, message: AppendMessage): Promise<{ uidvalidity: number; uid: number }> {
    const to = this.#account.byName(target, 'TRYCREATE');
    this.#account.makeRoom([message], this.#box.placement(uid)?.email.index.size);
    const made = await this.#account.append(to, message);
    this.#account.remove(this.#box, this.#box.those([uid]));
    return { uidvalidity: to.uidvalidity, uid: made };
  }

  async expunge(uids: number[] | null): Promise<void> {
    const candidates = uids ? this.#box.those(uids) : this.#box.placements;
    this.#account.remove(
      this.#box,
      candidates.filter(({ deleted }) => deleted),
    );
  }

  subscribe(listener: (change: MailboxChange) => void): () => void {
    this.#box.listeners.add(listener);
    return () => this.#box.listeners.delete(listener);
  }

  close(): void {}
}
