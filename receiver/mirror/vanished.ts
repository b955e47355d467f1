/**
 * What was expunged when, for QRESYNC (RFC 7162 §5.3): a bounded history of removals as the feed told them. Of a mailbox it begins
 * with the HIGHESTMODSEQ that the first synchronisation found; what a client asks from before that, or from what was forgotten since,
 * nobody knows any more, and the caller answers with the complement of the live UIDs.
 */
import type { MirrorFile } from './file.ts';

/** Removals remembered for one account: 200,000 take about 10 MB on disk and none in memory. */
const REMEMBERED_MAX = 200_000;

export class Vanished {
  readonly #file: MirrorFile;
  readonly #max: number;
  #count: number;
  /** Removals up to this mod-sequence have been forgotten. */
  #horizon: number;

  constructor(file: MirrorFile, horizon: number, max = REMEMBERED_MAX) {
    this.#file = file;
    this.#max = max;
    this.#horizon = horizon;
    this.#count = Number(file.statement('SELECT count(*) AS n FROM vanished').get()?.n);
  }

  /** UIDs expunged from a mailbox after `modseq`, ascending; null when that is before the horizon. */
  since(mailbox: number, modseq: number): number[] | null {
    const known = Number(this.#file.statement('SELECT history FROM mailbox WHERE id = ?').get(mailbox)?.history ?? Infinity);
    if (modseq < Math.max(known, this.#horizon)) return null;
    const rows = this.#file.tuples<[number]>('SELECT uid FROM vanished WHERE mailbox = ? AND modseq > ?', mailbox, modseq);
    return rows.map(([uid]) => uid).sort((a, b) => a - b);
  }

  add(mailbox: number, uid: number, modseq: number): void {
    this.#file.statement('INSERT OR REPLACE INTO vanished VALUES (?, ?, ?)').run(mailbox, uid, modseq);
    this.#count++;
  }

  /** The mailbox is gone, and its UIDs will never be asked for again. */
  forget(mailbox: number): void {
    this.#file.statement('DELETE FROM vanished WHERE mailbox = ?').run(mailbox);
  }

  /** The oldest half goes when there are too many; answers the horizon when it has moved. */
  trim(): number | null {
    if (this.#count <= this.#max) return null;
    const sql = 'SELECT modseq FROM vanished ORDER BY modseq DESC LIMIT 1 OFFSET ?';
    this.#horizon = Number(this.#file.statement(sql).get(this.#max >> 1)?.modseq ?? this.#horizon);
    this.#file.statement('DELETE FROM vanished WHERE modseq <= ?').run(this.#horizon);
    this.#count = Number(this.#file.statement('SELECT count(*) AS n FROM vanished').get()?.n);
    return this.#horizon;
  }

  /** The first synchronisation has ended: from here on removals are known. */
  begin(): void {
    this.#file.statement('UPDATE mailbox SET history = highest_modseq').run();
  }
}
