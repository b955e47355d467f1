/**
 * Flag sets, interned: messages with equal flags share one object with finished wire text, so FETCH FLAGS over a
 * mailbox allocates nothing (RFC 9051 §2.3.2). A set is known by its code: twice the number of its keyword set in
 * the mirror's file, plus one when `\Deleted`, which belongs to the placement, is set.
 */
import { flagOfKeyword } from '../../shared/flags.ts';
import type { Flags } from '../imap/session.ts';

export class FlagSet implements Flags {
  readonly list: readonly string[];
  readonly text: string;
  readonly keywords: readonly string[];
  readonly deleted: boolean;
  readonly seen: boolean;
  readonly #names: ReadonlySet<string>;

  /** `keywords` in the edge's form, sorted. */
  constructor(keywords: readonly string[], deleted: boolean) {
    this.keywords = keywords;
    this.deleted = deleted;
    this.seen = keywords.includes('$seen');
    this.list = [...(deleted ? ['\\Deleted'] : []), ...keywords.map(flagOfKeyword)];
    this.text = `(${this.list.join(' ')})`;
    this.#names = new Set(this.list.map((flag) => flag.toLowerCase()));
  }

  has(flag: string): boolean {
    return this.#names.has(flag.toLowerCase());
  }
}

/** The sets of one mirror file. */
export class FlagSets {
  readonly #sets = new Map<number, FlagSet>();
  readonly #keywordsOf: (keywordSet: number) => string;

  /** `keywordsOf` reads a keyword set: its keywords joined by spaces. */
  constructor(keywordsOf: (keywordSet: number) => string) {
    this.#keywordsOf = keywordsOf;
  }

  get(code: number): FlagSet {
    const known = this.#sets.get(code);
    if (known) return known;
    const keywords = this.#keywordsOf(code >>> 1);
    const made = new FlagSet(keywords === '' ? [] : keywords.split(' '), (code & 1) === 1);
    this.#sets.set(code, made);
    return made;
  }
}

/** The code of a keyword set with or without `\Deleted`. */
export function flagCode(keywordSet: number, deleted: boolean): number {
  return keywordSet * 2 + (deleted ? 1 : 0);
}
