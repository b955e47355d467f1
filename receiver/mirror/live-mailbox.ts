/**
 * A mailbox in use, in memory: uids, flags and mod-sequences in typed arrays, about 24 octets a message, so that
 * SELECT, STATUS and FETCH FLAGS touch no disk. Shared by all sessions of the account. Its picture changes only when a
 * round of changes has ended; new uids are always higher than those it shows (RFC 9051 §2.3.1.1).
 */
import { SortOrders } from '../imap/search/orders.ts';
import type { MailboxChange, MailboxStatus } from '../imap/session.ts';
import { lowerBound } from '../imap/wire/sets.ts';
import type { EntryRow, MailboxRow, MirrorFile } from './file.ts';
import type { FlagSet, FlagSets } from './flag-sets.ts';
import type { Touched } from './touched.ts';

interface Columns {
  count: number;
  uids: Uint32Array;
  emails: Uint32Array;
  codes: Uint32Array;
  sizes: Uint32Array;
  /** Mod-sequences outgrow 32 bits. */
  modseqs: Float64Array;
  /** Of all messages that are or were here. */
  highestModseq: number;
}

export class LiveMailbox {
  readonly id: number;
  /** Sessions that have it selected. */
  users = 0;
  /** Epoch milliseconds; when it was last asked for. */
  lastUsed = 0;
  row: MailboxRow;
  readonly listeners = new Set<(change: MailboxChange) => void>();
  readonly orders = new SortOrders();
  #columns: Columns;
  #flagSets: FlagSets;
  /** The account's mod-sequence at the last finished round: what came later is not shown whole yet. */
  #clock: number;
  #hint = 0;
  #status: MailboxStatus | null = null;
  #keywords: string[] | null = null;

  constructor(file: MirrorFile, row: MailboxRow) {
    this.id = row.id;
    this.row = row;
    this.#flagSets = file.flagSets;
    this.#clock = file.modseq;
    this.#columns = loadColumns(file, row);
  }

  get count(): number {
    return this.#columns.count;
  }

  /** Stays as it is when the mailbox changes: additions go behind it, removals make a new array. */
  uids(): Uint32Array {
    return this.#columns.uids.subarray(0, this.#columns.count);
  }

  has(uid: number): boolean {
    return this.#index(uid) >= 0;
  }

  flags(uid: number): FlagSet | undefined {
    const code = this.#columns.codes[this.#index(uid)];
    return code === undefined ? undefined : this.#flagSets.get(code);
  }

  /** 0 when the uid is gone. */
  modseq(uid: number): number {
    return this.#columns.modseqs[this.#index(uid)] ?? 0;
  }

  /** The email a uid places; undefined when it is gone. */
  email(uid: number): number | undefined {
    return this.#columns.emails[this.#index(uid)];
  }

  /** Octets; 0 when the uid is gone. */
  size(uid: number): number {
    return this.#columns.sizes[this.#index(uid)] ?? 0;
  }

  uidsOfEmails(wanted: ReadonlySet<number>): number[] {
    const { count, uids, emails } = this.#columns;
    const found: number[] = [];
    for (let i = 0; i < count; i++) if (wanted.has(emails[i] ?? 0)) found.push(uids[i] ?? 0);
    return found;
  }

  /** Never above the last finished round: what came later is not shown whole yet. */
  get highestModseq(): number {
    const highest = Math.max(1, this.row.highestModseq, this.#columns.highestModseq);
    return Math.min(highest, Math.max(1, this.#clock));
  }

  status(): MailboxStatus {
    this.#status ??= this.#countStatus();
    return this.#status;
  }

  /** Keywords in use, in IMAP spelling, without system flags. */
  keywords(): string[] {
    this.#keywords ??= this.#collectKeywords();
    return this.#keywords;
  }

  /** Takes over what a finished round brought; null when that was nothing. */
  refresh(file: MirrorFile, row: MailboxRow, touched: Touched): MailboxChange | null {
    if (touched.everything) this.orders.forget();
    const change = touched.everything ? this.#reload(file, row) : this.#update(file, row, touched.uids(this.id));
    this.row = row;
    this.#clock = file.modseq;
    this.#status = null;
    if (change.added.length + change.expunged.length + change.flags.length === 0) return null;
    this.#keywords = null;
    return change;
  }

  /** The mailbox is gone, and so is all that was in it. */
  destroy(): MailboxChange {
    this.#columns = emptyColumns(0);
    this.#status = null;
    return { added: [], expunged: [], flags: [], destroyed: true };
  }

  #index(uid: number): number {
    const { uids, count } = this.#columns;
    if (this.#hint < count && uids[this.#hint] === uid) return this.#hint;
    if (this.#hint + 1 < count && uids[this.#hint + 1] === uid) return ++this.#hint;
    const at = lowerBound(uids, uid, count);
    if (at === count || uids[at] !== uid) return -1;
    this.#hint = at;
    return at;
  }

  #collectKeywords(): string[] {
    const { codes, count } = this.#columns;
    const used = [...new Set(codes.subarray(0, count))].flatMap((code) => this.#flagSets.get(code).list);
    return [...new Set(used)].filter((flag) => !flag.startsWith('\\')).sort();
  }

  #countStatus(): MailboxStatus {
    const { count, codes, sizes } = this.#columns;
    const { uidnext, uidvalidity } = this.row;
    const status = {
      messages: count,
      unseen: 0,
      deleted: 0,
      uidnext,
      uidvalidity,
      highestModseq: this.highestModseq,
      size: 0,
      deletedSize: 0,
    };
    for (let i = 0; i < count; i++) {
      const flags = this.#flagSets.get(codes[i] ?? 0);
      if (!flags.seen) status.unseen++;
      const size = sizes[i] ?? 0;
      status.size += size;
      if (flags.deleted) {
        status.deleted++;
        status.deletedSize += size;
      }
    }
    return status;
  }

  /** Looks at the uids named, and no others. */
  #update(file: MirrorFile, row: MailboxRow, uids: number[]): MailboxChange {
    const change: MailboxChange = { added: [], expunged: [], flags: [] };
    const added: EntryRow[] = [];
    const entries = file.entriesOf(this.id, uids)[Symbol.iterator]();
    let next = entries.next();
    for (const uid of uids) {
      const there = next.done !== true && next.value.uid === uid ? next.value : undefined;
      if (there) next = entries.next();
      const entry = uid < row.uidnext ? there : undefined;
      const index = this.#index(uid);
      if (entry && index < 0) added.push(entry);
      else if (!entry && index >= 0) change.expunged.push(uid);
      else if (entry && this.#setFlags(index, entry)) change.flags.push(uid);
    }
    if (change.expunged.length > 0) this.#remove(new Set(change.expunged));
    change.added = this.#append(file, row, added);
    return change;
  }

  #setFlags(index: number, entry: EntryRow): boolean {
    const { codes, modseqs, emails } = this.#columns;
    if (codes[index] === entry.code && modseqs[index] === entry.modseq) return false;
    codes[index] = entry.code;
    modseqs[index] = entry.modseq;
    emails[index] = entry.email;
    this.#columns.highestModseq = Math.max(this.#columns.highestModseq, entry.modseq);
    return true;
  }

  #remove(gone: ReadonlySet<number>): void {
    const old = this.#columns;
    const kept = { ...emptyColumns(old.count), highestModseq: old.highestModseq };
    for (let i = 0; i < old.count; i++) if (!gone.has(old.uids[i] ?? 0)) copyEntry(old, i, kept);
    this.#columns = kept;
  }

  /** Adds new messages. One below the highest uid would break the order; the feed never makes one, and a reload mends it. */
  #append(file: MirrorFile, row: MailboxRow, added: EntryRow[]): number[] {
    const { count, uids } = this.#columns;
    const highest = uids[count - 1] ?? 0;
    if (added.some((entry) => entry.uid < highest)) {
      this.#columns = loadColumns(file, row);
      this.orders.forget();
    } else {
      this.#columns = withRoom(this.#columns, added.length);
      for (const entry of added) pushEntry(this.#columns, entry);
    }
    return added.map((entry) => entry.uid);
  }

  /** Loads anew and compares by uid; codes of another file mean other sets, so texts are compared. */
  #reload(file: MirrorFile, row: MailboxRow): MailboxChange {
    const change: MailboxChange = { added: [], expunged: [], flags: [] };
    const [old, oldSets] = [this.#columns, this.#flagSets];
    this.#columns = loadColumns(file, row);
    this.#flagSets = file.flagSets;
    this.#hint = 0;
    let before = 0;
    for (let i = 0; i < this.#columns.count; i++) {
      const uid = this.#columns.uids[i] ?? 0;
      for (; before < old.count && (old.uids[before] ?? 0) < uid; before++) change.expunged.push(old.uids[before] ?? 0);
      if (before >= old.count || old.uids[before] !== uid) {
        change.added.push(uid);
        continue;
      }
      const [was, is] = [oldSets.get(old.codes[before] ?? 0), this.#flagSets.get(this.#columns.codes[i] ?? 0)];
      if (was.text !== is.text || old.modseqs[before] !== this.#columns.modseqs[i]) change.flags.push(uid);
      before++;
    }
    for (; before < old.count; before++) change.expunged.push(old.uids[before] ?? 0);
    return change;
  }
}

/** Room beyond what is there, so that mail arriving one by one does not copy the mailbox each time. */
const SPARE = 256;

function emptyColumns(capacity: number): Columns {
  return {
    count: 0,
    uids: new Uint32Array(capacity),
    emails: new Uint32Array(capacity),
    codes: new Uint32Array(capacity),
    sizes: new Uint32Array(capacity),
    modseqs: new Float64Array(capacity),
    highestModseq: 0,
  };
}

function loadColumns(file: MirrorFile, row: MailboxRow): Columns {
  const columns = emptyColumns(file.count(row.id) + SPARE);
  for (const entry of file.entries(row.id, row.uidnext)) pushEntry(columns, entry);
  return columns;
}

/** The same columns when `more` entries fit, else larger ones. */
function withRoom(columns: Columns, more: number): Columns {
  if (columns.count + more <= columns.uids.length) return columns;
  const larger = emptyColumns(columns.count + more + Math.max(SPARE, columns.count >> 4));
  larger.count = columns.count;
  larger.highestModseq = columns.highestModseq;
  for (const name of ['uids', 'emails', 'codes', 'sizes', 'modseqs'] as const) larger[name].set(columns[name].subarray(0, columns.count));
  return larger;
}

function pushEntry(columns: Columns, entry: EntryRow): void {
  const at = columns.count++;
  columns.uids[at] = entry.uid;
  columns.emails[at] = entry.email;
  columns.codes[at] = entry.code;
  columns.sizes[at] = entry.size;
  columns.modseqs[at] = entry.modseq;
  columns.highestModseq = Math.max(columns.highestModseq, entry.modseq);
}

function copyEntry(from: Columns, index: number, to: Columns): void {
  const at = to.count++;
  to.uids[at] = from.uids[index] ?? 0;
  to.emails[at] = from.emails[index] ?? 0;
  to.codes[at] = from.codes[index] ?? 0;
  to.sizes[at] = from.sizes[index] ?? 0;
  to.modseqs[at] = from.modseqs[index] ?? 0;
}
