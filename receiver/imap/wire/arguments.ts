/**
 * Reads the arguments of one complete command (RFC 9051 §9): atoms, strings, lists, numbers, sets. It is a
 * cursor over the text and literals that the decoder collected. Text is a byte string throughout; whoever
 * knows the charset decodes it. What does not fit the grammar throws `Malformed`, answered with a tagged BAD.
 */
import { decodeUtf8, hasControl } from './bytes.ts';
import type { ResponseCode } from './codes.ts';
import type { CommandParts, Literal } from './decoder.ts';
import { parseSet, type SequenceSet } from './sets.ts';

/** The client broke the grammar: answered `BAD` with this text (plain ASCII) and, rarely, a response code. */
export class Malformed extends Error {
  readonly code: ResponseCode | null;
  /** `code` without brackets. */
  constructor(message: string, code: ResponseCode | null = null) {
    super(message);
    this.code = code;
  }
}

/** Parentheses inside parentheses; SEARCH is the only command that needs more than three. */
export const NESTING_MAX = 64;
/** Items of one list; the text bound holds most, this one keeps flag lists and header lists sane. */
export const LIST_ITEMS_MAX = 4096;
/** A literal used as a string may not be larger: a mailbox name, a password, a search text. */
export const STRING_MAX = 64 * 1024;

// RFC 9051 §9. `]` is no atom character but may stand in an astring; `%` and `*` in a list-mailbox.
const ATOM = /[!#$&'+,\-./0-9:;<=>?@A-Z[^_`a-z|}~]+/y;
const ASTRING_ATOM = /[!#$&'+,\-./0-9:;<=>?@A-Z[\]^_`a-z|}~\x80-\xff]+/y;
const PATTERN_ATOM = /[!#$%&'*+,\-./0-9:;<=>?@A-Z[\]^_`a-z|}~\x80-\xff]+/y;
const SET = /[0-9:,*$]+/y;
const NUMBER = /\d{1,19}/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the control characters are what a quoted string refuses
const QUOTED = /"((?:[^"\\\r\n\x00]|\\["\\])*)"/y;
const ITEM_NAME = /[A-Za-z0-9.]+/y;
const FLAG = /\\?[!#$&'+,\-./0-9:;<=>?@A-Z[^_`a-z|}~]+/y;

export class Arguments {
  readonly #parts: CommandParts;
  #part = 0;
  #position = 0;
  #depth = 0;

  constructor(parts: CommandParts) {
    this.#parts = parts;
  }

  /** Nothing is left. */
  atEnd(): boolean {
    return this.peek() === '';
  }

  /** The next character; `{` before a literal, the empty string at the end. */
  peek(): string {
    const part = this.#parts[this.#part];
    if (part === undefined) return '';
    if (typeof part !== 'string') return '{';
    if (this.#position < part.length) return part.charAt(this.#position);
    return this.#parts[this.#part + 1] === undefined ? '' : '{';
  }

  end(): void {
    if (!this.atEnd()) throw new Malformed('Unexpected extra arguments');
  }

  /** Exactly one space (RFC 9051 §9, note 2). */
  space(): void {
    this.char(' ', 'Missing argument');
  }

  char(wanted: string, otherwise = `Expected '${wanted}'`): void {
    if (!this.skip(wanted)) throw new Malformed(otherwise);
  }

  /** Takes one character when it is the next one. */
  skip(wanted: string): boolean {
    const part = this.#parts[this.#part];
    if (typeof part !== 'string' || part.charAt(this.#position) !== wanted) return false;
    this.#position += 1;
    return true;
  }

  atom(what = 'atom'): string {
    return this.#match(ATOM) ?? fail(`Expected ${what}`);
  }

  /** Letters, digits and dots: the name of a FETCH item, which ends where its section begins. Empty when there is none. */
  itemName(): string {
    return this.#match(ITEM_NAME) ?? '';
  }

  /** Takes exactly this text, without regard to case, when it is what comes next. */
  skipText(wanted: string): boolean {
    const part = this.#parts[this.#part];
    if (typeof part !== 'string' || part.slice(this.#position, this.#position + wanted.length).toUpperCase() !== wanted) return false;
    this.#position += wanted.length;
    return true;
  }

  /** Upper case, for names of items and options. */
  word(what = 'word'): string {
    return this.atom(what).toUpperCase();
  }

  number(): number {
    const value = Number(this.#match(NUMBER) ?? fail('Expected a number'));
    return Number.isSafeInteger(value) ? value : fail('Number too large');
  }

  /** A number as it is written, of at most 19 digits: for those that outgrow `number`. */
  digits(what = 'a number'): string {
    return this.#match(NUMBER) ?? fail(`Expected ${what}`);
  }

  /** String or atom: names, passwords, header fields. */
  astring(): string {
    return this.#string() ?? this.#match(ASTRING_ATOM) ?? fail('Expected a string');
  }

  string(): string {
    return this.#string() ?? fail('Expected a string');
  }

  nstring(): string | null {
    const text = this.#string();
    if (text !== null) return text;
    return this.atom('a string').toUpperCase() === 'NIL' ? null : fail('Expected a string');
  }

  /** What an annotation holds (RFC 5464 §5): a string, a literal8 of any octets, or NIL. */
  value(): string | null {
    const part = this.#parts[this.#part];
    const next = typeof part === 'string' && this.#position === part.length ? this.#parts[this.#part + 1] : part;
    if (next === undefined || typeof next === 'string' || !next.binary) return this.nstring();
    const { bytes } = this.literal();
    if (!bytes || bytes.length > STRING_MAX) throw new Malformed('Literal too large');
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).latin1Slice();
  }

  /** Whether this text comes next, without regard to case; nothing is taken. */
  lookingAt(wanted: string): boolean {
    const part = this.#parts[this.#part];
    return typeof part === 'string' && part.slice(this.#position, this.#position + wanted.length).toUpperCase() === wanted;
  }

  /** A mailbox pattern of LIST: wild cards need no quotes. */
  pattern(): string {
    return this.#string() ?? this.#match(PATTERN_ATOM) ?? fail('Expected a mailbox pattern');
  }

  /** Text in UTF-8; US-ASCII is a part of it. */
  text(): string {
    return decodeUtf8(this.astring()) ?? fail('Invalid UTF-8');
  }

  /** `\Seen` or a keyword. */
  flag(): string {
    return this.#match(FLAG) ?? fail('Invalid flag');
  }

  set(): SequenceSet {
    return parseSet(this.#match(SET) ?? '') ?? fail('Invalid message set');
  }

  /** `(item item …)`, possibly empty. */
  list<T>(item: () => T): T[] {
    this.char('(', 'Expected a list');
    this.#depth += 1;
    if (this.#depth > NESTING_MAX) throw new Malformed('Nested too deeply');
    const items: T[] = [];
    if (!this.skip(')')) {
      do {
        if (items.length >= LIST_ITEMS_MAX) throw new Malformed('List too long');
        items.push(item());
      } while (this.skip(' '));
      this.char(')', 'List is not closed');
    }
    this.#depth -= 1;
    return items;
  }

  /** Runs `read` one level deeper; for grammars that nest without lists (SEARCH NOT NOT …). */
  nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > NESTING_MAX) throw new Malformed('Nested too deeply');
    const value = read();
    this.#depth -= 1;
    return value;
  }

  /** A literal of any size, as APPEND takes it. */
  literal(): Literal {
    this.#toNextPart();
    const part = this.#parts[this.#part];
    if (part === undefined || typeof part === 'string') throw new Malformed('Expected a literal');
    this.#part += 1;
    this.#position = 0;
    return part;
  }

  /** The word ahead, upper case, without taking it; empty when there is none. */
  peekWord(): string {
    const part = this.#parts[this.#part];
    if (typeof part !== 'string') return '';
    ATOM.lastIndex = this.#position;
    return (ATOM.exec(part)?.[0] ?? '').toUpperCase();
  }

  /** Takes `pattern` (sticky) when it matches here. */
  #match(pattern: RegExp): string | null {
    const part = this.#parts[this.#part];
    if (typeof part !== 'string') return null;
    pattern.lastIndex = this.#position;
    const found = pattern.exec(part);
    if (!found) return null;
    this.#position = pattern.lastIndex;
    return found[0];
  }

  #string(): string | null {
    const next = this.peek();
    if (next === '"') return unquote(this.#match(QUOTED) ?? fail('Invalid quoted string'));
    if (next !== '{') return null;
    const literal = this.literal();
    if (!literal.bytes || literal.size > STRING_MAX) throw new Malformed('Literal too large');
    const text = Buffer.from(literal.bytes.buffer, literal.bytes.byteOffset, literal.bytes.byteLength).latin1Slice();
    return text.includes('\0') ? fail('NUL is not allowed') : text;
  }

  #toNextPart(): void {
    const part = this.#parts[this.#part];
    if (typeof part === 'string' && this.#position === part.length) {
      this.#part += 1;
      this.#position = 0;
    }
  }
}

/** The tag and the name of a command, upper case; `rest` goes on behind them. Null tag: none that could be answered. */
export function commandName(parts: CommandParts): { tag: string | null; name: string; rest: Arguments } {
  const first = typeof parts[0] === 'string' ? parts[0] : '';
  const found = /^([!#$&',\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]{1,255}) ([A-Za-z][A-Za-z0-9.-]{0,31})(?= |$)/.exec(first);
  if (!found) return { tag: tagOf(first), name: '', rest: new Arguments([]) };
  const rest = new Arguments([first.slice(found[0].length), ...parts.slice(1)]);
  return { tag: found[1] ?? null, name: (found[2] ?? '').toUpperCase(), rest };
}

/** What stands where a tag stands, if it could be one. */
export function tagOf(start: string): string | null {
  const tag = start.split(' ', 1)[0] ?? '';
  return tag.length > 0 && tag.length <= 255 && !hasControl(tag) && /^[^()"{%*+\\\x7f-\xff]+$/.test(tag) ? tag : null;
}

function unquote(quoted: string): string {
  const inner = quoted.slice(1, -1);
  return inner.includes('\\') ? inner.replace(/\\(["\\])/g, '$1') : inner;
}

function fail(message: string): never {
  throw new Malformed(message);
}
