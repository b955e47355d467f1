/**
 * The texts of one account's messages, decoded and casemapped, in one file beside the mirror: SEARCH TEXT and BODY look for exact
 * substrings in it at the speed of the disk's cache (RFC 9051 §6.4.4). It is filled with what searches have read, belongs to one
 * generation of the mirror (whose email numbers it uses), is checked whole when it is opened, and may be deleted at any time. A
 * message that is not in it is `unread`, never "does not match".
 */
import { closeSync, existsSync, ftruncateSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { MessageText, TextScope } from '../../imap/search/columns.ts';
import { Needle } from './needle.ts';
import { encodeRecord, fileHead, HEAD_LENGTH, isWhole, RECORD_HEAD, RECORD_MAX, readRecordHead } from './records.ts';
import { TextIndex } from './text-index.ts';
import { scanWindow, windowsOf } from './windows.ts';

/** Octets read at once; what a search blocks others for is a look through this. */
export const WINDOW = 1024 * 1024;
/** Octets of one account's texts: 100,000 messages of 5 KB. Beyond it texts are not kept. */
const FILE_MAX = 512 * 1024 * 1024;

export interface TextsOptions {
  path: string;
  /** What the file must carry to be used. */
  generation: string;
  /** Emails that are gone leave dead records; with more of them than live ones the file begins anew. */
  isLive(email: number): boolean;
  max?: number;
}

export class Texts {
  readonly #options: TextsOptions;
  readonly #index = new TextIndex();
  #descriptor: number | null = null;
  #reader: FileHandle | null = null;
  #end = HEAD_LENGTH;
  #opening: Promise<void> | null = null;
  #full = false;
  #closed = false;

  constructor(options: TextsOptions) {
    this.#options = options;
  }

  get octets(): number {
    return this.#end;
  }

  /** Takes stock of what is there; the first search waits for it. */
  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /** Which mirror's email numbers these are. */
  get generation(): string {
    return this.#options.generation;
  }

  /** Nothing more is kept. */
  get full(): boolean {
    return this.#full || this.#descriptor === null;
  }

  has(email: number): boolean {
    return this.#index.find(email) !== undefined;
  }

  /** Keeps a text, if there is room and the disk takes it: nothing depends on it. */
  async keep(email: number, text: MessageText): Promise<void> {
    await this.open();
    const record = this.has(email) ? null : encodeRecord(email, text);
    if (this.#descriptor === null || this.#closed || !record) return;
    this.#full = this.#end + record.length > (this.#options.max ?? FILE_MAX);
    if (this.#full) return;
    try {
      writeSync(this.#descriptor, record, 0, record.length, this.#end);
    } catch {
      this.#discard();
      return;
    }
    this.#index.add(readRecordHead(record, 0), this.#end);
    this.#end += record.length;
  }

  /** Which of `emails` hold casemapped `text`, and which are not here; as positions in `emails`. */
  async scan(
    scope: TextScope,
    text: string,
    emails: ArrayLike<number | undefined>,
    pause: () => Promise<void>,
  ): Promise<{ found: number[]; unread: number[] }> {
    await this.open();
    const unread: number[] = [];
    const wanted: { position: number; record: number }[] = [];
    for (let position = 0; position < emails.length; position++) {
      const record = this.#index.find(emails[position] ?? 0);
      if (record === undefined) unread.push(position);
      else wanted.push({ position, record });
    }
    // Records are numbered in the order of the file.
    wanted.sort((a, b) => a.record - b.record);
    await pause();
    const found: number[] = [];
    const needle = new Needle(text);
    let buffer = Buffer.alloc(0);
    const positions = new Map(wanted.map(({ position, record }) => [record, position]));
    for (const window of windowsOf(
      this.#index,
      wanted.map(({ record }) => record),
      WINDOW,
    )) {
      const length = window.end - window.start;
      if (buffer.length < length) buffer = Buffer.allocUnsafe(length);
      const octets = await this.#read(buffer, window.start, length);
      if (!octets) return { found: [], unread: Array.from(emails, (_, position) => position) };
      for (const record of scanWindow(this.#index, window, octets, needle, scope)) found.push(positions.get(record) ?? 0);
      await pause();
    }
    return { found, unread };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#opening?.catch(() => {});
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
    await this.#reader?.close();
    this.#reader = null;
  }

  async #open(): Promise<void> {
    const { path, generation } = this.#options;
    try {
      if (!existsSync(path)) this.#begin();
      this.#descriptor = openSync(path, 'r+', 0o600);
      this.#reader = await open(path, 'r');
      const head = Buffer.alloc(HEAD_LENGTH);
      await this.#reader.read(head, 0, HEAD_LENGTH, 0);
      if (head.equals(fileHead(generation)) && (await this.#load(statSync(path).size))) return;
      this.#restart();
    } catch {
      this.#discard();
    }
  }

  /** Reads and checks every record up to the first that is damaged; what follows it is cut off. False: the file is not worth keeping. */
  async #load(size: number): Promise<boolean> {
    const buffer = Buffer.allocUnsafe(Math.min(WINDOW + RECORD_MAX + RECORD_HEAD, Math.max(0, size - HEAD_LENGTH)));
    let dead = 0;
    for (let start = HEAD_LENGTH; start < size; ) {
      const octets = await this.#read(buffer, start, Math.min(buffer.length, size - start), true);
      if (!octets) return false;
      let at = 0;
      while (at + RECORD_HEAD <= octets.length) {
        const head = readRecordHead(octets, at);
        if (!isWhole(octets, at, head)) break;
        const length = RECORD_HEAD + head.header + head.body;
        if (this.#options.isLive(head.email)) this.#index.add(head, start + at);
        else dead += length;
        at += length;
      }
      if (at === 0) break;
      start += at;
      this.#end = start;
    }
    if (this.#descriptor !== null) ftruncateSync(this.#descriptor, this.#end);
    return dead * 2 <= this.#end;
  }

  /** Octets of the file; null when they cannot be read: then the file is of no use any more. */
  async #read(buffer: Buffer, start: number, length: number, partial = false): Promise<Buffer | null> {
    try {
      const { bytesRead = 0 } = (await this.#reader?.read(buffer, 0, length, start)) ?? {};
      if (bytesRead === length || (partial && bytesRead > 0)) return buffer.subarray(0, bytesRead);
    } catch {
      // The file is given up below.
    }
    this.#discard();
    return null;
  }

  #begin(): void {
    const descriptor = openSync(this.#options.path, 'w', 0o600);
    writeSync(descriptor, fileHead(this.#options.generation));
    closeSync(descriptor);
  }

  #restart(): void {
    this.#index.clear();
    this.#end = HEAD_LENGTH;
    if (this.#descriptor === null) return;
    ftruncateSync(this.#descriptor, 0);
    writeSync(this.#descriptor, fileHead(this.#options.generation), 0, HEAD_LENGTH, 0);
  }

  /** A disk that is full or broken: from now on every message is unread. */
  #discard(): void {
    this.#index.clear();
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
    rmSync(this.#options.path, { force: true });
  }
}
