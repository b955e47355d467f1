/**
 * A maildrop (RFC 1939 §5): the messages of the Inbox as they were when the session began, numbered from 1, with marks that take
 * effect only when the client says QUIT (§6). Messages that an IMAP client has marked `\Deleted` are not in it, as in JMAP.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Message, SelectedMailbox, Session } from '../imap/session.ts';

/** Messages whose sizes are read before others get their turn. */
const CHUNK = 500;

export class Maildrop {
  readonly #selected: SelectedMailbox;
  readonly #uids: readonly number[];
  readonly #sizes: readonly number[];
  readonly #deleted = new Set<number>();
  readonly #read = new Set<number>();

  private constructor(selected: SelectedMailbox, messages: readonly { uid: number; size: number }[]) {
    this.#selected = selected;
    this.#uids = messages.map(({ uid }) => uid);
    this.#sizes = messages.map(({ size }) => size);
  }

  /** The Inbox as it stands now; null when the account has none. */
  static async open(session: Session): Promise<Maildrop | null> {
    const inbox = session.find('INBOX');
    if (!inbox) return null;
    const selected = session.select(inbox, false);
    const uids = Array.from(selected.uids()).filter((uid) => !selected.flags(uid)?.has('\\Deleted'));
    const messages: { uid: number; size: number }[] = [];
    for (let first = 0; first < uids.length; first += CHUNK) {
      for (const { uid, size } of selected.messages(uids.slice(first, first + CHUNK))) messages.push({ uid, size });
      await nextTurn();
    }
    return new Maildrop(selected, messages);
  }

  /** Numbers of the messages that are not marked as deleted. */
  *numbers(): Iterable<number> {
    for (let number = 1; number <= this.#uids.length; number++) if (!this.#deleted.has(number)) yield number;
  }

  /** How many there are, and their octets together (§5, STAT). */
  total(): { count: number; octets: number } {
    let count = 0;
    let octets = 0;
    for (const number of this.numbers()) {
      count++;
      octets += this.size(number);
    }
    return { count, octets };
  }

  /** Whether the client may name this number. */
  has(number: number): boolean {
    return Number.isSafeInteger(number) && number >= 1 && number <= this.#uids.length && !this.#deleted.has(number);
  }

  size(number: number): number {
    return this.#sizes[number - 1] ?? 0;
  }

  /** Never used again for another message (§7, UIDL). */
  uniqueId(number: number): string {
    return `${this.#selected.mailbox.uidvalidity}-${this.#uid(number)}`;
  }

  /** Undefined when another client has removed it meanwhile. */
  message(number: number): Message | undefined {
    for (const message of this.#selected.messages([this.#uid(number)])) return message;
    return undefined;
  }

  /** The message's octets. Throws `Refusal` when the edge is away and the cache has them not. */
  content(message: Message): AsyncIterable<Uint8Array> {
    return this.#selected.stream(message);
  }

  /** It was sent to the client whole. */
  markRead(number: number): void {
    this.#read.add(number);
  }

  delete(number: number): void {
    this.#deleted.add(number);
  }

  reset(): void {
    this.#deleted.clear();
  }

  /** QUIT: what was deleted goes, what else was read is `\Seen`. Throws `Refusal`; then nothing, or only the flags, is changed. */
  async update(): Promise<void> {
    const deleted = [...this.#deleted].map((number) => this.#uid(number));
    const read = [...this.#read].filter((number) => !this.#deleted.has(number)).map((number) => this.#uid(number));
    const unseen = read.filter((uid) => this.#selected.flags(uid)?.has('\\Seen') === false);
    if (unseen.length > 0) await this.#selected.store({ uids: unseen, mode: 'add', flags: ['\\Seen'] });
    if (deleted.length === 0) return;
    await this.#selected.store({ uids: deleted, mode: 'add', flags: ['\\Deleted'] });
    await this.#selected.expunge(deleted);
  }

  close(): void {
    this.#selected.close();
  }

  #uid(number: number): number {
    return this.#uids[number - 1] ?? 0;
  }
}
