/**
 * Messages as FETCH and SEARCH read them: which there are and how large from memory, all else from the mirror's file. They come in
 * chunks; what is asked of one message is read for its whole chunk, and with the chunks after it at once, so that FETCH ENVELOPE
 * over a mailbox is one statement for hundreds of messages and FETCH RFC822.SIZE is none.
 */
import type { SQLOutputValue } from 'node:sqlite';
import type { Part } from '../../shared/mime/index-types.ts';
import { type Message, Refusal } from '../imap/session.ts';
import type { MirrorFile } from './file.ts';
import type { LiveMailbox } from './live-mailbox.ts';

/** The first chunk is small: most commands ask for one message or a screenful. */
const FIRST_CHUNK = 16;
/** Texts of a chunk take about 1 MB. */
const CHUNK = 256;
/** Where every n-th row of a span is wanted, reading the span is quicker than looking each one up. */
const DENSE = 2;

/** Where a fact lies. */
const TABLE_OF = {
  envelope: 'content',
  body: 'content',
  body_structure: 'content',
  preview: 'content',
  headers: 'content',
  headers_complete: 'content',
  structure: 'content',
  sent_at: 'email',
  thread: 'email',
  sha256: 'email',
  received_at: 'placement',
  saved_at: 'placement',
} as const;
type Column = keyof typeof TABLE_OF;
type Table = (typeof TABLE_OF)[Column];
const KEY_OF = { content: 'email', email: 'id', placement: 'uid' } as const;

/** How a chunk is read; the mirror guards it against a damaged file. */
export type Reading = <T>(work: (file: MirrorFile) => T) => T;
/** Begins with the key. */
type Row = [number, ...SQLOutputValue[]];
type Rows = ReadonlyMap<number, Row>;

/** `headers_complete` as text. */
const COMPLETE = '1';

/** Messages of one chunk and what was read of them. */
class Chunk {
  readonly messages: MirrorMessage[] = [];
  readonly #read: Reading;
  readonly #mailbox: number;
  readonly #wanted: Set<Column>;
  /** The rows that hold a column, and where in them it stands. */
  readonly #columns = new Map<Column, { rows: Rows; at: number }>();
  readonly #loaded: { table: Table; rows: Rows }[] = [];

  constructor(read: Reading, live: LiveMailbox, wanted: Set<Column>, uids: readonly number[]) {
    this.#read = read;
    this.#mailbox = live.id;
    this.#wanted = wanted;
    for (const uid of uids) {
      const email = live.email(uid);
      if (email !== undefined) this.messages.push(new MirrorMessage(uid, email, live.size(uid), this));
    }
    this.#load([...wanted]);
  }

  /** Of a message that was expunged meanwhile nothing is known: throws Refusal EXPUNGEISSUED. */
  value(message: MirrorMessage, column: Column): SQLOutputValue {
    if (!this.#columns.has(column)) this.#loadLate(column);
    const { rows, at } = this.#columns.get(column) ?? NOWHERE;
    const value = rows.get(keyOf(message, TABLE_OF[column]))?.[at];
    if (value === undefined) throw new Refusal('EXPUNGEISSUED', 'The message was expunged meanwhile');
    return value;
  }

  /** What was read found nothing of it: the file is ahead of the picture in memory. */
  isGone(message: MirrorMessage): boolean {
    return this.#loaded.some(({ table, rows }) => !rows.has(keyOf(message, table)));
  }

  /** From here on it is read with the chunk. */
  #loadLate(column: Column): void {
    this.#wanted.add(column);
    this.#load([column]);
  }

  #load(wanted: readonly Column[]): void {
    for (const table of ['content', 'email', 'placement'] as const) {
      const columns = wanted.filter((column) => TABLE_OF[column] === table);
      if (columns.length === 0 || this.messages.length === 0) continue;
      const rows = new Map(this.#rows(table, columns).map((row) => [row[0], row]));
      this.#loaded.push({ table, rows });
      for (const [index, column] of columns.entries()) this.#columns.set(column, { rows, at: index + 1 });
    }
  }

  #rows(table: Table, columns: readonly Column[]): Row[] {
    const keys = this.messages.map((message) => keyOf(message, table));
    const within = table === 'placement' ? [this.#mailbox] : [];
    const key = KEY_OF[table];
    const select = `SELECT ${[key, ...columns].join(', ')} FROM ${table} WHERE ${within.length > 0 ? 'mailbox = ? AND ' : ''}${key}`;
    const span = spanOf(keys);
    return this.#read((file) =>
      span
        ? file.tuples<Row>(`${select} BETWEEN ? AND ?`, ...within, ...span)
        : file.tuples<Row>(`${select} IN (SELECT value FROM json_each(?))`, ...within, JSON.stringify(keys)),
    );
  }
}
const NOWHERE: { rows: Rows; at: number } = { rows: new Map(), at: 0 };

function keyOf({ uid, email }: MirrorMessage, table: Table): number {
  return table === 'placement' ? uid : email;
}

export class MirrorMessage implements Message {
  readonly uid: number;
  /** Its number at the edge. */
  readonly email: number;
  readonly size: number;
  readonly #chunk: Chunk;

  constructor(uid: number, email: number, size: number, chunk: Chunk) {
    this.uid = uid;
    this.email = email;
    this.size = size;
    this.#chunk = chunk;
  }

  get emailId(): string {
    return `M${this.email}`;
  }
  get threadId(): string {
    return `T${this.#chunk.value(this, 'thread')}`;
  }
  get internalDate(): number {
    return Number(this.#chunk.value(this, 'received_at'));
  }
  get savedDate(): number {
    return Number(this.#chunk.value(this, 'saved_at'));
  }
  get sentDate(): number | null {
    const sent = this.#chunk.value(this, 'sent_at');
    return sent === null ? null : Number(sent);
  }
  get sha256(): string {
    return this.#text('sha256');
  }
  get envelope(): string {
    return this.#text('envelope');
  }
  get body(): string {
    return this.#text('body');
  }
  get bodyStructure(): string {
    return this.#text('body_structure');
  }
  get preview(): string {
    return this.#text('preview');
  }
  get headers(): string {
    return this.#text('headers');
  }
  get headersComplete(): boolean {
    return this.#text('headers_complete') === COMPLETE;
  }
  get structure(): Part {
    return JSON.parse(this.#text('structure')) as Part;
  }

  #text(column: Column): string {
    return String(this.#chunk.value(this, column));
  }
}

/** The messages of `uids`, in that order; those that are gone are left out. */
export function* readMessages(read: Reading, live: LiveMailbox, uids: Iterable<number>): Iterable<MirrorMessage> {
  const wanted = new Set<Column>();
  for (const some of chunks(uids)) {
    const chunk = new Chunk(read, live, wanted, some);
    for (const message of chunk.messages) if (!chunk.isGone(message)) yield message;
  }
}

/** The least and the greatest of them, when there are not many more numbers than these between: then the rows between are read in one go. */
function spanOf(numbers: readonly number[]): [number, number] | null {
  const [least, greatest] = [Math.min(...numbers), Math.max(...numbers)];
  return greatest - least < numbers.length * DENSE ? [least, greatest] : null;
}

function* chunks(uids: Iterable<number>): Iterable<number[]> {
  let some: number[] = [];
  let size = FIRST_CHUNK;
  for (const uid of uids) {
    some.push(uid);
    if (some.length < size) continue;
    yield some;
    some = [];
    size = CHUNK;
  }
  if (some.length > 0) yield some;
}
