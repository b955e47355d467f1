/**
 * An open mailbox over the mirror (RFC 9051 §6.3.2): flags and uids from memory, messages from the file, octets
 * through the cache of originals, writes through the account's commits.
 */
import type { Readable } from 'node:stream';
import type { Operation } from '../../shared/protocol.ts';
import { readColumns } from '../mirror/columns.ts';
import { COMMIT_ITEMS_MAX } from '../mirror/commits.ts';
import { flagWrites, slices } from '../mirror/flag-writes.ts';
import { fullTextMatches } from '../mirror/full-text.ts';
import type { LiveMailbox } from '../mirror/live-mailbox.ts';
import { targetMailbox } from '../mirror/mailbox-writes.ts';
import { MirrorMessage, readMessages } from '../mirror/messages.ts';
import type { Mirror } from '../mirror/mirror.ts';
import type { Original, Originals, Range } from '../mirror/originals.ts';
import { ReadAhead } from '../mirror/read-ahead.ts';
import { accept, storeErrors, submit, submitTogether, tryCreate } from '../mirror/results.ts';
import { storeMessages } from '../mirror/store-messages.ts';
import { fillTexts } from '../mirror/texts/fill.ts';
import type { TreeMailbox } from '../mirror/tree.ts';
import type { ColumnName, ColumnRow, MessageText, TextMatches, TextScope } from './search/columns.ts';
import type { SortOrders } from './search/orders.ts';
import { decodedText } from './search/originals.ts';
import {
  type AppendMessage,
  type CopyResult,
  type Flags,
  type Mailbox,
  type MailboxChange,
  type Message,
  Refusal,
  type SelectedMailbox,
  type StoreRequest,
} from './session.ts';

export class MirrorMailbox implements SelectedMailbox {
  readonly mailbox: Mailbox;
  readonly readOnly: boolean;
  readonly #mirror: Mirror;
  readonly #originals: Originals;
  readonly #id: number;
  readonly #live: LiveMailbox;
  readonly #listeners = new Set<(change: MailboxChange) => void>();
  readonly #readAhead: ReadAhead;
  #open = true;

  constructor(mirror: Mirror, originals: Originals, mailbox: TreeMailbox, readOnly: boolean) {
    this.mailbox = mailbox;
    this.readOnly = readOnly;
    this.#mirror = mirror;
    this.#originals = originals;
    this.#id = mailbox.row.id;
    this.#live = mirror.live(this.#id);
    this.#live.users++;
    this.#readAhead = new ReadAhead({
      uids: () => this.#live.uids(),
      messages: (uids) => readMessages((work) => mirror.read(work), this.#live, uids),
      warm: (message) => originals.warm(this.#original(message)),
    });
  }

  uids(): Uint32Array {
    return this.#live.uids();
  }

  uidnext(): number {
    return this.#live.row.uidnext;
  }

  highestModseq(): number {
    return this.#live.highestModseq;
  }

  flags(uid: number): Flags | undefined {
    return this.#live.flags(uid);
  }

  modseq(uid: number): number {
    return this.#live.modseq(uid);
  }

  vanished(modseq: number): number[] | null {
    const gone = this.#mirror.read((file) => file.vanished.since(this.#id, modseq));
    return gone?.filter((uid) => !this.#live.has(uid)) ?? null;
  }

  keywords(): string[] {
    return this.#live.keywords();
  }

  messages(uids: Iterable<number>): Iterable<Message> {
    return readMessages((work) => this.#mirror.read(work), this.#live, uids);
  }

  get orders(): SortOrders {
    return this.#live.orders;
  }

  columns<const Names extends readonly ColumnName[]>(names: Names, uids: ArrayLike<number>): (ColumnRow<Names> | undefined)[] {
    return this.#mirror.read((file) => readColumns(file, this.#id, names, uids));
  }

  async scanTexts(scope: TextScope, text: string, uids: Uint32Array, pause: () => Promise<void>): Promise<TextMatches> {
    const emails = Array.from(uids, (uid) => this.#live.email(uid));
    const { found, unread } = await this.#mirror.texts.scan(scope, text, emails, pause);
    const uidAt = (position: number) => uids[position] ?? 0;
    return { found: found.map(uidAt), unread: unread.map(uidAt) };
  }

  keepText({ uid }: Message, text: MessageText): void {
    const email = this.#live.email(uid);
    if (email !== undefined) void this.#mirror.texts.keep(email, text);
  }

  async fullText(scope: TextScope, text: string, wanted: Uint32Array): Promise<ReadonlySet<number> | null> {
    const { tokens, bridge } = this.#mirror;
    const emails = await fullTextMatches((after) => tokens.use((token) => bridge.search(token, scope, text, after))).catch(
      (error: unknown) => this.#mirror.refuse(error),
    );
    this.#fillTexts(wanted);
    return emails && new Set(this.#live.uidsOfEmails(emails));
  }

  #fillTexts(uids: Uint32Array): void {
    this.#mirror.fillTexts((stopped) =>
      fillTexts({
        texts: this.#mirror.texts,
        messages: this.messages([...uids].reverse()),
        email: ({ uid }) => this.#live.email(uid),
        read: (message) => decodedText({ read: (each, range) => this.#pass(each, range) }, message),
        stopped,
      }),
    );
  }

  #pass(message: Message, range?: Range): Promise<Uint8Array> {
    const original = this.#original(message);
    return range ? this.#originals.read(original, range) : this.#originals.pass(original);
  }

  readNow(message: Message, range?: Range): Uint8Array | null {
    const original = this.#original(message);
    const octets = this.#originals.readNow(original, range);
    this.#readAhead.note(message.uid, octets !== null);
    return octets;
  }

  async read(message: Message, range?: Range): Promise<Uint8Array> {
    return this.#originals.read(this.#noted(message), range).catch((error: unknown) => this.#mirror.refuse(error));
  }

  async *stream(message: Message, range?: Range): AsyncIterable<Uint8Array> {
    try {
      yield* this.#originals.stream(this.#noted(message), range);
    } catch (error) {
      this.#mirror.refuse(error);
    }
  }

  /** What is read, with its neighbours in mind. */
  #noted(message: Message): Original {
    const original = this.#original(message);
    this.#readAhead.note(message.uid, this.#originals.isAtHand(original));
    return original;
  }

  async store(request: StoreRequest): Promise<{ modified: number[] }> {
    this.#assertWritable();
    const { operations, modified } = flagWrites(this.#live, request);
    const held = new Set(modified);
    await Promise.all(
      operations.map(async (operation) => {
        const result = await submit(this.#mirror, operation, storeErrors);
        for (const uid of result.modified ?? []) held.add(uid);
      }),
    );
    const asked = new Set(request.uids);
    return { modified: [...held].filter((uid) => asked.has(uid)).sort((a, b) => a - b) };
  }

  /** All or none (RFC 9051 §6.4.7), so what one commit cannot carry is refused before anything is copied. */
  async copy(uids: number[], target: string): Promise<CopyResult> {
    if (uids.length > COMMIT_ITEMS_MAX) throw new Refusal('LIMIT', `At most ${COMMIT_ITEMS_MAX} messages in one COPY`);
    return this.#place('copy', uids, target);
  }

  /** Each message is moved or left where it is; more than one commit carries may be moved in part (RFC 9051 §6.4.8). */
  async move(uids: number[], target: string): Promise<CopyResult> {
    this.#assertWritable();
    return this.#place('move', uids, target);
  }

  /** One commit, all or none: the old message goes, then there is room for the new one (RFC 8508 §3.4). */
  async replace(uid: number, target: string, message: AppendMessage): Promise<{ uidvalidity: number; uid: number }> {
    this.#assertWritable();
    const { row, uidvalidity } = targetMailbox(this.#mirror, target);
    const place = { mailbox: this.#id, uids: [uid] };
    const removal: Operation[] = [
      { op: 'store', ...place, deleted: true },
      { op: 'expunge', ...place },
    ];
    const results = await storeMessages(this.#mirror, this.#originals, row.id, [message], removal);
    const made = accept(results.at(-1) ?? { ok: false, error: 'invalid' }, tryCreate);
    return { uidvalidity, uid: made.uids?.[0]?.[1] ?? 0 };
  }

  async expunge(uids: number[] | null): Promise<void> {
    this.#assertWritable();
    const deleted = [...(uids ?? this.#live.uids())].filter((uid) => this.#live.flags(uid)?.deleted);
    await Promise.all(slices(deleted).map((some) => submit(this.#mirror, { op: 'expunge', mailbox: this.#id, uids: some })));
  }

  subscribe(listener: (change: MailboxChange) => void): () => void {
    this.#live.listeners.add(listener);
    this.#listeners.add(listener);
    return () => {
      this.#live.listeners.delete(listener);
      this.#listeners.delete(listener);
    };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#live.users--;
    for (const listener of this.#listeners) this.#live.listeners.delete(listener);
  }

  async #place(op: 'copy' | 'move', uids: number[], name: string): Promise<CopyResult> {
    const target = targetMailbox(this.#mirror, name);
    const present = uids.filter((uid) => this.#live.has(uid));
    const pairs: [number, number][] = [];
    for (let at = 0; at < present.length; at += COMMIT_ITEMS_MAX) {
      const operations = slices(present.slice(at, at + COMMIT_ITEMS_MAX)).map(
        (some): Operation => ({ op, mailbox: this.#id, uids: some, to: target.row.id }),
      );
      for (const { uids = [] } of await submitTogether(this.#mirror, operations, tryCreate)) pairs.push(...uids);
    }
    return { uidvalidity: target.uidvalidity, pairs };
  }

  #original(message: Message): Original {
    const { account, bridge, tokens } = this.#mirror;
    const { sha256, size } = message instanceof MirrorMessage ? message : this.#find(message.uid);
    const fetch = (range?: Range): Promise<Readable> => tokens.use((token) => bridge.getBlob(token, account, sha256, range));
    return { account, sha256, size, fetch };
  }

  #find(uid: number): MirrorMessage {
    for (const message of readMessages((work) => this.#mirror.read(work), this.#live, [uid])) return message;
    throw new Refusal('EXPUNGEISSUED', 'The message was expunged meanwhile');
  }

  #assertWritable(): void {
    if (this.readOnly) throw new Refusal('READ-ONLY', 'The mailbox is open for reading only');
  }
}
