/**
 * An IMAP client that believes nothing but what it is told: its picture of the mailbox is made of untagged responses alone, and it
 * complains of each response that it could not be told then (RFC 9051 §7.5.1, RFC 7162 §3.2.10, RFC 9586). When its connection
 * breaks it comes back with what it knew, by QRESYNC where it can.
 */
import { expect } from 'vitest';
import { type Answer, ImapClient } from '../../support/imap-client.ts';

/** What it has switched on. */
export type Kind = 'plain' | 'rev2' | 'condstore' | 'qresync' | 'uidonly';
const ENABLES: Record<Kind, string | null> = {
  plain: null,
  rev2: 'IMAP4rev2',
  condstore: 'CONDSTORE',
  qresync: 'QRESYNC',
  uidonly: 'UIDONLY QRESYNC',
};

export interface Known {
  uid: number;
  flags: string;
  modseq: number;
}

export class Picture {
  readonly kind: Kind;
  readonly #port: number;
  client: ImapClient;
  /** By sequence number; null: told of by EXISTS, not asked for yet. */
  messages: (Known | null)[] = [];
  #uidvalidity = 0;
  #highest = 0;

  private constructor(kind: Kind, port: number, client: ImapClient) {
    this.kind = kind;
    this.#port = port;
    this.client = client;
  }

  static async open(kind: Kind, port: number): Promise<Picture> {
    const picture = new Picture(kind, port, await ImapClient.logIn(port));
    await picture.#enable();
    await picture.#select('SELECT INBOX');
    await picture.learn();
    return picture;
  }

  get aware(): boolean {
    return this.kind === 'condstore' || this.resyncs;
  }
  get resyncs(): boolean {
    return this.kind === 'qresync' || this.kind === 'uidonly';
  }
  get uidOnly(): boolean {
    return this.kind === 'uidonly';
  }
  get known(): Known[] {
    return this.messages.filter((known) => known !== null);
  }

  /** Sends a command (without sequence numbers when they are not to be used) and takes in its answer. */
  async run(command: string): Promise<Answer> {
    const answer = await this.client.command(command);
    this.apply(answer, !/^(FETCH|STORE|SEARCH)/.test(command));
    return answer;
  }

  apply(answer: Answer, mayExpunge: boolean): void {
    expect(answer.status).toBe('OK');
    let told = 0;
    let stated = 0;
    for (const line of [...answer.untagged, `* OK [${answer.code}] `]) {
      this.#applyLine(line, mayExpunge);
      told = Math.max(told, Number(/MODSEQ \((\d+)\)/.exec(line)?.[1] ?? 0));
      stated = Number(/^\* OK \[HIGHESTMODSEQ (\d+)\]/.exec(line)?.[1] ?? stated);
    }
    // RFC 7162 §6: what is stated counts, else the highest that was told.
    this.#highest = stated > 0 ? stated : Math.max(this.#highest, told);
  }

  /** Asks for what is not known yet, as clients do after EXISTS; what is not there any more is told by NOOP. */
  async learn(): Promise<void> {
    const items = this.aware ? '(UID FLAGS MODSEQ)' : '(UID FLAGS)';
    for (let attempt = 0; this.messages.includes(null); attempt += 1) {
      expect(attempt).toBeLessThan(20);
      if (attempt % 2 === 1) await this.run('NOOP');
      // Without sequence numbers nobody knows where what is not known yet stands.
      await this.run(this.uidOnly ? `UID FETCH 1:* ${items}` : `FETCH ${this.messages.indexOf(null) + 1 || '*'}:* ${items}`);
    }
  }

  /** The connection breaks; the client comes back, by QRESYNC with what it knew, else from nothing. */
  async comeBack(): Promise<void> {
    this.client.close();
    this.client = await ImapClient.logIn(this.#port);
    await this.#enable();
    const known = this.#coherent();
    this.messages = [];
    if (!this.resyncs || known.length === 0 || this.#highest === 0) await this.#select('SELECT INBOX');
    else await this.#resynchronize(known);
    await this.learn();
  }

  async idle(): Promise<void> {
    const tag = this.client.nextTag();
    this.client.send(`${tag} IDLE\r\n`);
    expect(await this.client.line()).toBe('+ idling');
    this.client.send('DONE\r\n');
    this.apply(await this.client.completion(tag), true);
  }

  /** What it can build on: everything up to the first message it has not asked for. */
  #coherent(): Known[] {
    const hole = this.messages.indexOf(null);
    if (hole < 0) return this.known;
    return this.uidOnly ? [] : this.messages.slice(0, hole).filter((known) => known !== null);
  }

  async #enable(): Promise<void> {
    const names = ENABLES[this.kind];
    if (names !== null) expect((await this.client.command(`ENABLE ${names}`)).status).toBe('OK');
  }

  async #select(command: string): Promise<void> {
    const answer = await this.client.command(command);
    this.#uidvalidity = Number(/UIDVALIDITY (\d+)/.exec(answer.untagged.join())?.[1]);
    this.apply(answer, true);
  }

  /** RFC 7162 §3.2.5: what went, then what changed; EXISTS counts what is there now, so what is left of the old keeps its order in front. */
  async #resynchronize(known: Known[]): Promise<void> {
    const left = new Map(known.map((one) => [one.uid, one]));
    const answer = await this.client.command(`SELECT INBOX (QRESYNC (${this.#uidvalidity} ${this.#highest} 1:${known.at(-1)?.uid}))`);
    expect(answer.status).toBe('OK');
    for (const line of answer.untagged) {
      const gone = /^\* VANISHED \(EARLIER\) (.*)$/.exec(line)?.[1];
      if (gone !== undefined) for (const uid of numbersOf(gone)) left.delete(uid);
    }
    this.messages = [...left.values()];
    this.apply({ ...answer, untagged: answer.untagged.filter((line) => !line.startsWith('* VANISHED')) }, true);
  }

  #applyLine(line: string, mayExpunge: boolean): void {
    const vanished = /^\* VANISHED ([\d:,]+)$/.exec(line)?.[1];
    if (vanished !== undefined) this.#vanish(numbersOf(vanished), mayExpunge);
    const [, number = '', kind, rest = ''] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH|UIDFETCH)(?: (.*))?$/s.exec(line) ?? [];
    if (kind === 'EXISTS') this.#exists(Number(number));
    else if (kind === 'EXPUNGE') this.#expunge(Number(number), mayExpunge);
    else if (kind === 'FETCH') this.#fetched(Number(number) - 1, rest);
    else if (kind === 'UIDFETCH') this.#uidFetched(Number(number), rest);
  }

  #exists(count: number): void {
    expect(count).toBeGreaterThanOrEqual(this.messages.length);
    while (this.messages.length < count) this.messages.push(null);
  }

  #expunge(sequence: number, mayExpunge: boolean): void {
    expect([mayExpunge, this.resyncs]).toEqual([true, false]);
    expect(this.messages.length).toBeGreaterThanOrEqual(sequence);
    this.messages.splice(sequence - 1, 1);
  }

  /** Each UID takes one message away: a known one, or one that was only counted (RFC 7162 §3.2.10.2). */
  #vanish(uids: number[], mayExpunge: boolean): void {
    expect([mayExpunge, this.resyncs]).toEqual([true, true]);
    for (const uid of uids) {
      const at = this.#placeOf(uid, this.uidOnly);
      expect(at).toBeGreaterThanOrEqual(0);
      this.messages.splice(at, 1);
    }
  }

  /** Where a UID stands: where it is known, else among those not known yet, in the gap between its neighbours (`anywhere` without numbers). */
  #placeOf(uid: number, anywhere: boolean): number {
    const index = this.messages.findIndex((known) => known?.uid === uid);
    if (index >= 0) return index;
    if (anywhere) return this.messages.indexOf(null);
    const below = this.messages.findLastIndex((known) => known !== null && known.uid < uid);
    return this.messages.indexOf(null, below + 1);
  }

  #fetched(index: number, items: string): void {
    expect(this.uidOnly).toBe(false);
    expect(index).toBeLessThan(this.messages.length);
    const uid = Number(/UID (\d+)/.exec(items)?.[1] ?? 0);
    const known = this.messages[index];
    if (known && uid > 0) expect(uid).toBe(known.uid);
    if (known || uid > 0) this.#learnAt(index, uid, items);
  }

  #uidFetched(uid: number, items: string): void {
    expect(this.uidOnly).toBe(true);
    const at = this.#placeOf(uid, true);
    expect(at).toBeGreaterThanOrEqual(0);
    this.#learnAt(at, uid, items);
    // The order by UID is all there is.
    this.messages.sort((a, b) => (a?.uid ?? Infinity) - (b?.uid ?? Infinity));
  }

  #learnAt(index: number, uid: number, items: string): void {
    const before = this.messages[index] ?? { uid, flags: '', modseq: 0 };
    const flags = /FLAGS (\([^)]*\))/.exec(items)?.[1] ?? before.flags;
    const modseq = Number(/MODSEQ \((\d+)\)/.exec(items)?.[1] ?? before.modseq);
    expect(modseq).toBeGreaterThanOrEqual(before.modseq);
    this.messages[index] = { uid: before.uid, flags, modseq };
  }
}

/** `1:3,7` as numbers. */
function numbersOf(set: string): number[] {
  return set.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split(':').map(Number);
    return Array.from({ length: to - from + 1 }, (_value, index) => from + index);
  });
}
