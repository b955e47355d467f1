/**
 * Messages as FETCH and SEARCH read them, straight from the mirror's file. They come in chunks; the long texts of a
 * chunk are read when first asked for, and with the chunk itself from the second chunk on, so that FETCH ENVELOPE over
 * a mailbox is one statement for hundreds of messages and FETCH RFC822.SIZE never touches a text.
 */
import type { Part } from '../../shared/mime/index-types.ts';
import { type Message, Refusal } from '../imap/session.ts';
import type { MirrorFile } from './file.ts';

/** The first chunk is small: most commands ask for one message or a screenful. */
const FIRST_CHUNK = 16;
/** Texts of a chunk take about 1 MB. */
const CHUNK = 256;

/** Where every n-th row of a span is wanted, reading the span is quicker than looking each one up; texts are longer. */
const FACTS_DENSE = 4;
const TEXTS_DENSE = 2;

type Text = 'envelope' | 'body' | 'body_structure' | 'preview' | 'headers' | 'headers_complete' | 'structure';
/** How a chunk is read; the mirror guards it against a damaged file. */
export type Reading = <T>(work: (file: MirrorFile) => T) => T;

/** uid, email, internal date, save date, size, Date field, thread, digest */
type FactTuple = [number, number, number, number, number, number | null, number, string];

/** `headers_complete` as text. */
const COMPLETE = '1';

/** Messages of one chunk and the texts read for them. */
class Chunk {
  readonly #read: Reading;
  readonly #wanted: Set<Text>;
  readonly #emails: number[];
  readonly #texts = new Map<Text, Map<number, string>>();

  constructor(read: Reading, wanted: Set<Text>, emails: number[]) {
    this.#read = read;
    this.#wanted = wanted;
    this.#emails = emails;
    if (wanted.size > 0) this.#load([...wanted]);
  }

  text(email: number, text: Text): string {
    const value = (this.#texts.get(text) ?? this.#loadLate(text)).get(email);
    if (value === undefined) throw new Refusal('EXPUNGEISSUED', 'The message was expunged meanwhile');
    return value;
  }

  /** From here on it is read with the chunk. */
  #loadLate(text: Text): Map<number, string> {
    this.#wanted.add(text);
    this.#load([text]);
    return this.#texts.get(text) ?? new Map();
  }

  #load(texts: Text[]): void {
    const select = `SELECT email, ${texts.join(', ')} FROM content WHERE email`;
    const rows = this.#read((file) => {
      const span = spanOf(this.#emails, TEXTS_DENSE);
      if (span) return file.tuples<[number, ...string[]]>(`${select} BETWEEN ? AND ?`, ...span);
      return file.tuples<[number, ...string[]]>(`${select} IN (SELECT value FROM json_each(?))`, JSON.stringify(this.#emails));
    });
    for (const [index, text] of texts.entries()) this.#texts.set(text, new Map(rows.map((row) => [row[0], String(row[index + 1])])));
  }
}

export class MirrorMessage implements Message {
  readonly uid: number;
  readonly size: number;
  readonly internalDate: number;
  readonly sentDate: number | null;
  readonly savedDate: number;
  readonly sha256: string;
  readonly #email: number;
  readonly #thread: number;
  readonly #chunk: Chunk;

  constructor([uid, email, receivedAt, savedAt, size, sentAt, thread, sha256]: FactTuple, chunk: Chunk) {
    this.uid = uid;
    this.size = size;
    this.internalDate = receivedAt;
    this.sentDate = sentAt;
    this.savedDate = savedAt;
    this.sha256 = sha256;
    this.#email = email;
    this.#thread = thread;
    this.#chunk = chunk;
  }

  get emailId(): string {
    return `M${this.#email}`;
  }
  get threadId(): string {
    return `T${this.#thread}`;
  }
  get envelope(): string {
    return this.#chunk.text(this.#email, 'envelope');
  }
  get body(): string {
    return this.#chunk.text(this.#email, 'body');
  }
  get bodyStructure(): string {
    return this.#chunk.text(this.#email, 'body_structure');
  }
  get preview(): string {
    return this.#chunk.text(this.#email, 'preview');
  }
  get headers(): string {
    return this.#chunk.text(this.#email, 'headers');
  }
  get headersComplete(): boolean {
    return this.#chunk.text(this.#email, 'headers_complete') === COMPLETE;
  }
  get structure(): Part {
    return JSON.parse(this.#chunk.text(this.#email, 'structure')) as Part;
  }
}

const FACTS = 'p.uid, p.email, p.received_at, p.saved_at, e.size, e.sent_at, e.thread, e.sha256';
const FACTS_IN_SPAN = `SELECT ${FACTS} FROM placement p CROSS JOIN email e ON e.id = p.email
  WHERE p.mailbox = ? AND p.uid BETWEEN ? AND ? ORDER BY p.uid`;
const FACTS_NAMED = `SELECT ${FACTS}
  FROM json_each(?) AS wanted CROSS JOIN placement p ON p.mailbox = ? AND p.uid = wanted.value CROSS JOIN email e ON e.id = p.email`;

/** The messages of `uids`, in that order; those that are gone are left out. */
export function* readMessages(read: Reading, mailbox: number, uids: Iterable<number>): Iterable<MirrorMessage> {
  const wanted = new Set<Text>();
  for (const some of chunks(uids)) {
    const rows = read((file) => readFacts(file, mailbox, some));
    const chunk = new Chunk(
      read,
      wanted,
      rows.map(([, email]) => email),
    );
    for (const row of rows) yield new MirrorMessage(row, chunk);
  }
}

function readFacts(file: MirrorFile, mailbox: number, uids: readonly number[]): FactTuple[] {
  const span = isAscending(uids) ? spanOf(uids, FACTS_DENSE) : null;
  if (!span) return file.tuples<FactTuple>(FACTS_NAMED, JSON.stringify(uids), mailbox);
  const rows = file.tuples<FactTuple>(FACTS_IN_SPAN, mailbox, ...span);
  if (span[1] - span[0] + 1 === uids.length) return rows;
  const wanted = new Set(uids);
  return rows.filter(([uid]) => wanted.has(uid));
}

function isAscending(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0));
}

/** The least and the greatest of them, when there are not many more numbers than these between: then the rows between are read in one go. */
function spanOf(numbers: readonly number[], dense: number): [number, number] | null {
  const [least, greatest] = [Math.min(...numbers), Math.max(...numbers)];
  return greatest - least < numbers.length * dense ? [least, greatest] : null;
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
