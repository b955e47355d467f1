/**
 * One account's mail as the fake bridge keeps it: mailboxes, emails with their placements, originals, one clock.
 * The feed is ordered by modseq and pages by (modseq, kind, id), as the contract says.
 */
import { createHash } from 'node:crypto';
import { EdgeRefused } from '../../receiver/edge.ts';
import { flagOfKeyword } from '../../shared/flags.ts';
import type { MessageIndex } from '../../shared/mime/index-types.ts';
import type {
  BridgeEmail,
  BridgeIndex,
  BridgeMailbox,
  BridgeMetadata,
  BridgePlacement,
  ChangesPage,
  CommitAnswer,
  CommitRequest,
  Operation,
  OperationResult,
} from '../../shared/protocol.ts';
import { toIndexText } from '../../shared/search.ts';
import { sampleIndex, sampleMessage } from './sample-message.ts';

interface Email {
  id: number;
  keywords: Set<string>;
  keywordsModseq: number;
  modseq: number;
  created: number;
  placements: BridgePlacement[];
  index: BridgeIndex;
  destroyed: boolean;
}
/** Octets of an original, from `offset`, as they would arrive. */
export type Blob = (offset: number, length?: number) => Iterable<Uint8Array>;

interface Item {
  modseq: number;
  kind: number;
  id: number;
}

const CHUNK = 64 * 1024;

export class FakeAccount {
  modseq = 1;
  readonly mailboxes = new Map<number, BridgeMailbox>();
  readonly emails = new Map<number, Email>();
  readonly blobs = new Map<string, Blob>();
  /** Cursors below are answered with a reset. */
  horizon = 0;
  /** Octets an account may hold; appends beyond are refused. */
  quota = Number.POSITIVE_INFINITY;
  readonly metadata: BridgeMetadata[] = [];
  metadataMax = 500;
  #metadataModseq = 0;
  /** Messages a mailbox may hold to be destroyed in one operation. */
  destroyMax = 1000;
  /** A commit that creates a mailbox of this name is refused as a whole. */
  poison: string | null = null;
  readonly inbox: number;
  readonly #commits = new Map<string, OperationResult[]>();
  readonly #onChange: (modseq: number) => void;
  #nextMailbox = 1;
  #nextEmail = 1;

  constructor(onChange: (modseq: number) => void) {
    this.#onChange = onChange;
    this.inbox = this.createMailbox('Inbox', { role: 'inbox', subscribed: true });
  }

  /** Emails whose original, or its part after the header, has words that begin with those of `text`; null when it has none. */
  wordMatches(scope: 'text' | 'body', text: string): number[] | null {
    const wanted = toIndexText(text).split(' ').filter(Boolean);
    if (wanted.length === 0) return null;
    const live = [...this.emails.values()].filter(({ destroyed }) => !destroyed);
    const matches = live.filter(({ index }) => {
      const raw = Buffer.concat([...(this.blobs.get(index.sha256)?.(0) ?? [])]).toString('utf8');
      const words = toIndexText(scope === 'body' ? raw.slice(raw.indexOf('\r\n\r\n')) : raw).split(' ');
      return wanted.every((word) => words.some((known) => known.startsWith(word)));
    });
    return matches.map(({ id }) => id);
  }

  // ---- what happens at the edge without this receiver

  /** Raises the clock for one change and tells the push. */
  change<T>(work: () => T): T {
    this.modseq++;
    const result = work();
    this.#onChange(this.modseq);
    return result;
  }

  createMailbox(name: string, facts: { role?: string | null; parent?: number | null; subscribed?: boolean } = {}): number {
    return this.change(() => this.#makeMailbox(name, facts));
  }

  #makeMailbox(name: string, { role = null, parent = null, subscribed = false }: Partial<BridgeMailbox>): number {
    const id = this.#nextMailbox++;
    const { modseq } = this;
    this.mailboxes.set(id, { id, parent, name, role, subscribed, uidvalidity: 1000 + id, uidnext: 1, highestModseq: modseq, modseq });
    return id;
  }

  /** Puts a message into a mailbox; answers its uid. Its octets are made up unless given. */
  deliver(mailbox = this.inbox, { raw = sampleMessage(this.#nextEmail), keywords = [] as string[] } = {}): number {
    const octets = Buffer.from(raw);
    const index = { ...sampleIndex(raw), sha256: this.putBlob(octets), size: octets.length };
    return this.change(() => this.place(mailbox, { index, keywords }));
  }

  place(
    mailbox: number,
    { index, keywords = [] as string[], deleted = false }: { index: BridgeIndex; keywords?: string[]; deleted?: boolean },
  ): number {
    const id = this.#nextEmail++;
    const { modseq } = this;
    const placement = this.#placement(mailbox, { receivedAt: index.receivedAt, deleted });
    const email = { id, keywords: new Set(keywords), keywordsModseq: modseq, modseq, created: modseq, placements: [placement], index };
    this.emails.set(id, { ...email, destroyed: false });
    return placement.uid;
  }

  setKeywords(mailbox: number, uid: number, keywords: string[]): void {
    this.change(() => this.#keywords(this.emailAt(mailbox, uid), new Set(keywords)));
  }

  expunge(mailbox: number, uids: number[]): void {
    this.change(() => this.#expunge(mailbox, uids));
  }

  destroyMailbox(mailbox: number): void {
    this.change(() => this.#destroyMailbox(mailbox));
  }

  /** The change horizon passes: older cursors are answered with a reset. */
  forgetHistory(): void {
    this.horizon = this.modseq + 1;
    this.modseq++;
  }

  putBlob(octets: Buffer, sha256 = createHash('sha256').update(octets).digest('hex')): string {
    this.blobs.set(sha256, (offset, length = octets.length) => [octets.subarray(offset, offset + length)]);
    return sha256;
  }

  /** An original of zeros that is never in memory. */
  putLargeBlob(size: number): string {
    const zeros = new Uint8Array(CHUNK);
    const digest = createHash('sha256');
    const octets: Blob = function* (offset, length = size - offset) {
      for (let left = length; left > 0; left -= CHUNK) yield zeros.subarray(0, Math.min(CHUNK, left));
    };
    for (const chunk of octets(0)) digest.update(chunk);
    const sha256 = digest.digest('hex');
    this.blobs.set(sha256, octets);
    return sha256;
  }

  emailAt(mailbox: number, uid: number): Email | undefined {
    return [...this.emails.values()].find(({ placements }) =>
      placements.some((p) => p.mailbox === mailbox && p.uid === uid && !p.expunged),
    );
  }

  /** What a client should see: mailbox id → uid → flags in IMAP spelling, sorted. */
  picture(): Map<number, Map<number, string>> {
    const live = [...this.mailboxes.values()].filter((mailbox) => !mailbox.destroyed);
    const picture = new Map(live.map(({ id }) => [id, new Map<number, string>()]));
    for (const { keywords, placements } of this.emails.values()) {
      const flags = [...keywords].map(flagOfKeyword);
      for (const { mailbox, uid, deleted, expunged } of placements) {
        if (!expunged) picture.get(mailbox)?.set(uid, [...flags, ...(deleted ? ['\\Deleted'] : [])].sort().join(' '));
      }
    }
    return picture;
  }

  // ---- the contract

  changes(cursor: string, limit: number): ChangesPage {
    const match = /^(\d+)(?::(\d+):(\d+):(\d+))?$/.exec(cursor === '' ? '0' : cursor);
    const [base, ...position] = (match ?? []).slice(1).map(Number);
    if (base === undefined || (base > 0 && base < this.horizon)) {
      return { reset: true, mailboxes: [], emails: [], cursor: '', more: false, modseq: this.modseq };
    }
    const after = Number.isNaN(position[0] ?? Number.NaN) ? [base, 9, 0] : position;
    const items = this.#items(base, after);
    const page = items.slice(0, limit);
    const last = page.at(-1);
    const more = items.length > limit;
    return {
      reset: false,
      mailboxes: page.filter(({ kind }) => kind === 1).flatMap(({ id }) => this.mailboxes.get(id) ?? []),
      emails: page.filter(({ kind }) => kind === 0).flatMap(({ id }) => this.#bridgeEmail(base, this.emails.get(id)) ?? []),
      cursor: more && last ? `${base}:${last.modseq}:${last.kind}:${last.id}` : String(this.modseq),
      more,
      modseq: this.modseq,
      usage: { octets: this.#octets(), quota: Number.isFinite(this.quota) ? this.quota : null },
      ...(this.#metadataModseq > base && { metadata: this.metadata }),
    };
  }

  #octets(): number {
    return [...this.emails.values()].reduce((sum, { destroyed, index }) => sum + (destroyed ? 0 : index.size), 0);
  }

  commit({ id, since, operations, atomic = false }: CommitRequest, payloads: Uint8Array[]): CommitAnswer {
    if (operations.some((operation) => operation.op === 'createMailbox' && operation.name === this.poison))
      throw new EdgeRefused(400, 'malformed');
    let results = this.#commits.get(id);
    if (!results) {
      const left = [...payloads];
      results = this.change(() => this.#applyAll(operations, left, atomic));
      this.#commits.set(id, results);
    }
    return { results, changes: this.changes(since, 500) };
  }

  #applyAll(operations: Operation[], payloads: Uint8Array[], atomic: boolean): OperationResult[] {
    const before = atomic ? structuredClone([this.mailboxes, this.emails] as const) : null;
    const results = operations.map((operation) => this.#apply(operation, payloads));
    const refused = results.find(({ ok }) => !ok);
    if (!before || !refused) return results;
    for (const [now, then] of [
      [this.mailboxes, before[0]],
      [this.emails, before[1]],
    ] as [Map<number, unknown>, Map<number, unknown>][]) {
      now.clear();
      for (const [key, value] of then) now.set(key, value);
    }
    return results.map(() => refused);
  }

  #items(base: number, after: number[]): Item[] {
    const items: Item[] = [];
    const [modseq = 0, kind = 0, id = 0] = after;
    // What the asker has not seen needs no tombstone; in the middle of a round it may have seen it on an earlier page.
    const tombstones = base > 0 || modseq > 0;
    for (const { id, modseq, destroyed } of this.mailboxes.values()) if (tombstones || !destroyed) items.push({ modseq, kind: 1, id });
    for (const { id, modseq, destroyed } of this.emails.values()) if (tombstones || !destroyed) items.push({ modseq, kind: 0, id });
    return items
      .filter((item) => item.modseq > modseq || (item.modseq === modseq && (item.kind > kind || (item.kind === kind && item.id > id))))
      .sort((a, b) => a.modseq - b.modseq || a.kind - b.kind || a.id - b.id);
  }

  #bridgeEmail(base: number, email: Email | undefined): BridgeEmail | undefined {
    if (!email) return undefined;
    const { id, keywordsModseq, placements, destroyed, created, index } = email;
    const changed = created > base ? placements : placements.filter((placement) => placement.modseq > base);
    return {
      id,
      keywords: [...email.keywords].sort(),
      keywordsModseq,
      placements: changed,
      ...(created > base && !destroyed && { index }),
      ...(destroyed && { destroyed }),
    };
  }

  #apply(operation: Operation, payloads: Uint8Array[]): OperationResult {
    switch (operation.op) {
      case 'store':
        return this.#applyStore(operation);
      case 'copy':
      case 'move':
        return this.#applyPlace(operation);
      case 'expunge':
        this.#expunge(operation.mailbox, this.#deletedAmong(operation.mailbox, operation.uids));
        return { ok: true };
      case 'append':
        return this.#applyAppend(operation, operation.inline > 0 ? payloads.shift() : undefined);
      case 'createMailbox':
        return this.#applyCreate(operation);
      case 'updateMailbox':
        return this.#applyUpdate(operation);
      case 'destroyMailbox':
        return this.#applyDestroy(operation.mailbox);
      case 'setMetadata':
        return this.#applyMetadata(operation);
    }
  }

  #applyMetadata({ mailbox, entries }: Extract<Operation, { op: 'setMetadata' }>): OperationResult {
    if (mailbox !== 0 && !this.#mailbox(mailbox)) return { ok: false, error: 'notFound' };
    for (const [entry, value] of entries) {
      const at = this.metadata.findIndex((known) => known.mailbox === mailbox && known.entry === entry);
      if (at >= 0) this.metadata.splice(at, 1);
      if (value !== null) this.metadata.push({ mailbox, entry, value });
    }
    if (this.metadata.length > this.metadataMax) return { ok: false, error: 'tooLarge' };
    this.#metadataModseq = this.modseq;
    return { ok: true };
  }

  #applyStore(operation: Extract<Operation, { op: 'store' }>): OperationResult {
    const { mailbox, uids, deleted, unchangedSince = Number.POSITIVE_INFINITY } = operation;
    const modified: number[] = [];
    for (const uid of uids) {
      const email = this.emailAt(mailbox, uid);
      const placement = email?.placements.find((p) => p.mailbox === mailbox && p.uid === uid);
      if (!email || !placement) continue;
      if (Math.max(placement.modseq, email.keywordsModseq) > unchangedSince) {
        modified.push(uid);
        continue;
      }
      const next = new Set(operation.replace ?? email.keywords);
      for (const keyword of operation.add ?? []) next.add(keyword);
      for (const keyword of operation.remove ?? []) next.delete(keyword);
      this.#keywords(email, next);
      if (deleted === undefined || placement.deleted === deleted) continue;
      placement.deleted = deleted;
      this.#touch(email, placement);
    }
    return { ok: true, modified };
  }

  #applyPlace({ op, mailbox, uids, to }: Extract<Operation, { op: 'copy' | 'move' }>): OperationResult {
    if (!this.#mailbox(to)) return { ok: false, error: 'notFound' };
    const pairs: [number, number][] = [];
    for (const uid of uids) {
      const email = this.emailAt(mailbox, uid);
      const source = email?.placements.find((p) => p.mailbox === mailbox && p.uid === uid);
      if (!email || !source) continue;
      const placement = this.#placement(to, { receivedAt: source.receivedAt, deleted: op === 'copy' && source.deleted });
      email.placements.push(placement);
      email.modseq = this.modseq;
      pairs.push([uid, placement.uid]);
    }
    if (op === 'move')
      this.#expunge(
        mailbox,
        pairs.map(([uid]) => uid),
      );
    return { ok: true, uids: pairs };
  }

  #applyAppend(operation: Extract<Operation, { op: 'append' }>, payload: Uint8Array | undefined): OperationResult {
    if (!this.#mailbox(operation.mailbox)) return { ok: false, error: 'notFound' };
    if (this.#octets() + operation.index.size > this.quota) return { ok: false, error: 'overQuota' };
    if (payload) this.putBlob(Buffer.from(payload));
    if (!this.blobs.has(operation.sha256)) return { ok: false, error: 'blobNotFound' };
    const { keywords, deleted, receivedAt, sha256 } = operation;
    const index = { ...bridgeIndex(operation.index, receivedAt), sha256 };
    const uid = this.place(operation.mailbox, { index, keywords, deleted });
    return { ok: true, id: this.#nextEmail - 1, uids: [[0, uid]] };
  }

  #applyCreate({ parent, name, role, subscribed }: Extract<Operation, { op: 'createMailbox' }>): OperationResult {
    if (parent !== null && !this.#mailbox(parent)) return { ok: false, error: 'notFound' };
    if (this.#sibling(parent, name) || this.#withRole(role)) return { ok: false, error: 'alreadyExists' };
    return { ok: true, id: this.#makeMailbox(name, { parent, role, subscribed }) };
  }

  #applyUpdate({ mailbox, op: _, ...change }: Extract<Operation, { op: 'updateMailbox' }>): OperationResult {
    const found = this.#mailbox(mailbox);
    if (!found) return { ok: false, error: 'notFound' };
    const sibling = this.#sibling(change.parent ?? found.parent, change.name ?? found.name);
    if (sibling && sibling !== found) return { ok: false, error: 'alreadyExists' };
    Object.assign(found, change, { modseq: this.modseq });
    return { ok: true };
  }

  #applyDestroy(mailbox: number): OperationResult {
    if (!this.#mailbox(mailbox)) return { ok: false, error: 'notFound' };
    if ((this.picture().get(mailbox)?.size ?? 0) > this.destroyMax) return { ok: false, error: 'tooLarge' };
    this.#destroyMailbox(mailbox);
    return { ok: true };
  }

  #deletedAmong(mailbox: number, uids: number[]): number[] {
    const isDeleted = (uid: number) => this.picture().get(mailbox)?.get(uid)?.includes('\\Deleted');
    return uids.filter(isDeleted);
  }

  #sibling(parent: number | null, name: string): BridgeMailbox | undefined {
    return [...this.mailboxes.values()].find((mailbox) => !mailbox.destroyed && mailbox.parent === parent && mailbox.name === name);
  }

  #withRole(role: string | null = null): boolean {
    return role !== null && [...this.mailboxes.values()].some((mailbox) => !mailbox.destroyed && mailbox.role === role);
  }

  #mailbox(id: number): BridgeMailbox | undefined {
    const mailbox = this.mailboxes.get(id);
    return mailbox?.destroyed ? undefined : mailbox;
  }

  #placement(mailbox: number, facts: { receivedAt: number; deleted: boolean }): BridgePlacement {
    const box = this.#touchMailbox(mailbox);
    return { mailbox, uid: box ? box.uidnext++ : 0, savedAt: facts.receivedAt + 1, modseq: this.modseq, ...facts };
  }

  #keywords(email: Email | undefined, keywords: Set<string>): void {
    if (!email || [...keywords].sort().join() === [...email.keywords].sort().join()) return;
    email.keywords = keywords;
    email.keywordsModseq = this.modseq;
    email.modseq = this.modseq;
    for (const { mailbox, expunged } of email.placements) if (!expunged) this.#touchMailbox(mailbox);
  }

  #touch(email: Email, placement: BridgePlacement): void {
    placement.modseq = this.modseq;
    email.modseq = this.modseq;
    this.#touchMailbox(placement.mailbox);
  }

  #touchMailbox(id: number): BridgeMailbox | undefined {
    const mailbox = this.mailboxes.get(id);
    if (mailbox) Object.assign(mailbox, { modseq: this.modseq, highestModseq: this.modseq });
    return mailbox;
  }

  #expunge(mailbox: number, uids: number[]): void {
    for (const uid of uids) {
      const email = this.emailAt(mailbox, uid);
      const placement = email?.placements.find((p) => p.mailbox === mailbox && p.uid === uid);
      if (!email || !placement) continue;
      placement.expunged = true;
      this.#touch(email, placement);
      email.destroyed = email.placements.every(({ expunged }) => expunged);
    }
  }

  #destroyMailbox(id: number): void {
    const uids = [...(this.picture().get(id)?.keys() ?? [])];
    this.#expunge(id, uids);
    const mailbox = this.#touchMailbox(id);
    if (mailbox) mailbox.destroyed = true;
  }
}

function bridgeIndex(index: MessageIndex, receivedAt: number): Omit<BridgeIndex, 'sha256'> {
  const { size, sentAt, subject, headers, headersComplete, structure, preview } = index;
  return { size, sentAt, subject, headers, headersComplete, structure, preview, receivedAt, thread: 1 };
}
