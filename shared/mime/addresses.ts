/**
 * Address lists (RFC 5322 §3.4 with §4.4's obsolete routes), groups kept, tolerant as RFC 7103 §7.1
 * asks: missing brackets, `;` as separator, raw 8-bit, unquoted specials in names. One pass, bounded;
 * whatever the input, the answer is a list.
 */
import { trimOctets } from './octets.ts';
import { decodeRaw, decodeWords } from './words.ts';

export interface Mailbox {
  /** Display name, decoded; null when there is none. A comment after a bare address counts as its name. */
  name: string | null;
  /** `local@domain`, decoded from raw 8-bit; without `@` when the domain is missing. */
  email: string;
  /** Display name as in the field: quotes gone, encoded words not decoded (byte string). */
  rawName: string | null;
  /** What the name is put together of; empty when there is none. */
  pieces: readonly PhrasePiece[];
  /** Byte strings, unquoted; empty when missing. */
  local: string;
  domain: string;
  /** Obsolete source route `@a,@b`, or null. */
  route: string | null;
}
export interface AddressGroup {
  /** Decoded; and as in the field. */
  group: string;
  rawGroup: string;
  pieces: readonly PhrasePiece[];
  members: Mailbox[];
}
export type AddressItem = Mailbox | AddressGroup;

/** Addresses read from one field: mailing to more in one header is abuse. */
export const ADDRESSES_MAX = 1000;
/** Octets of one field that are looked at. */
const FIELD_MAX = 128 * 1024;

/** An unfolded field value (byte string) → its addresses and groups, in order. */
export function parseAddressList(value: string): AddressItem[] {
  return new Reader(value.slice(0, FIELD_MAX)).list();
}

/** The mailboxes, those of groups included. */
export function mailboxesOf(items: readonly AddressItem[]): Mailbox[] {
  return items.flatMap((item) => ('group' in item ? item.members : [item]));
}

/** The addr-spec (RFC 5322 §3.4.1): a local part that is none without its quotes gets them back. */
export function addrSpec({ email, local, domain }: Mailbox): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are among what needs quotes
  if (domain === '' || !/[\x00-\x20()<>[\]:;@\\,"\x7f]/.test(local)) return email;
  return decodeRaw(`"${local.replace(/["\\]/g, '\\$&')}"@${domain}`);
}

/** A piece of an entry outside angle brackets, as a byte string; `glued` when no white space stood before it. */
export interface PhrasePiece {
  text: string;
  quoted: boolean;
  glued: boolean;
}

class Reader {
  readonly #text: string;
  #at = 0;
  #count = 0;
  #pieces: PhrasePiece[] = [];
  #comment: string | null = null;
  #angle: string | null = null;
  #spaced = true;
  /** Whether this entry has an `@` outside quotes; whether a quote was found that nothing closes. */
  #hasAt = false;
  #quotesEnded = false;

  constructor(text: string) {
    this.#text = text;
  }

  list(): AddressItem[] {
    const items: AddressItem[] = [];
    let group: AddressGroup | null = null;
    const end = () => {
      const mailbox = this.#take();
      if (mailbox && this.#count++ < ADDRESSES_MAX) (group ? group.members : items).push(mailbox);
    };
    while (this.#at < this.#text.length && this.#count < ADDRESSES_MAX) {
      const char = this.#text.charAt(this.#at);
      if (char === ',' || char === ';') {
        end();
        if (char === ';') group = null;
        this.#at++;
      } else if (char === ':' && !group && this.#startsGroup()) {
        group = this.#openGroup();
        items.push(group);
        this.#count++;
      } else this.#piece(char);
    }
    end();
    return items;
  }

  /** `mailto:a@b` and `http://…` start no group. */
  #startsGroup(): boolean {
    const last = this.#pieces.at(-1);
    if (this.#angle !== null || !last || this.#hasAt) return false;
    return last.quoted || !/^(mailto|https?|smtp)$/i.test(last.text);
  }

  #openGroup(): AddressGroup {
    const pieces = this.#pieces;
    const rawGroup = phrase(pieces);
    this.#reset();
    this.#at++;
    return { group: decodeWords(rawGroup), rawGroup, pieces, members: [] };
  }

  #piece(char: string): void {
    if (char === ' ' || char === '\t' || char === '\r' || char === '\n') {
      this.#spaced = true;
      this.#at++;
    } else if (char === '"') this.#add(this.#quoted(), true);
    else if (char === '(') this.#comment = this.#readComment();
    else if (char === '<') this.#readAngle();
    else this.#add(this.#atom(), false);
  }

  #add(text: string, quoted: boolean): void {
    this.#pieces.push({ text, quoted, glued: !this.#spaced });
    if (!quoted && text.includes('@')) this.#hasAt = true;
    this.#spaced = false;
  }

  #atom(): string {
    ATOM.lastIndex = this.#at;
    const text = ATOM.exec(this.#text)?.[0] ?? this.#text.charAt(this.#at);
    this.#at += text.length;
    return text;
  }

  /** From an opening quote; without a closing one the quote is a character like any other. */
  #quoted(): string {
    const end = this.#quoteEnd(this.#at);
    if (end < 0) {
      this.#at++;
      return '"';
    }
    const inner = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return unescaped(inner);
  }

  /** Position of the quote that closes the one at `at`; -1 when there is none, then there will be none for later ones. */
  #quoteEnd(at: number): number {
    for (let end = at + 1; end < this.#text.length && !this.#quotesEnded; end++) {
      const char = this.#text.charAt(end);
      if (char === '"') return end;
      if (char === '\\') end++;
    }
    this.#quotesEnded = true;
    return -1;
  }

  /** Nested comments by counting; an open one reaches to the end. */
  #readComment(): string {
    const start = this.#at + 1;
    let depth = 0;
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text.charAt(this.#at);
      if (char === '\\') this.#at++;
      else if (char === '(') depth++;
      else if (char === ')' && --depth === 0) break;
    }
    const text = this.#text.slice(start, this.#at);
    this.#at++;
    this.#spaced = true;
    return trimOctets(unescaped(text));
  }

  /** From `<` to its `>`, quotes respected; without `>` to the next comma. A second pair wins only when the first was empty. */
  #readAngle(): void {
    const start = this.#at + 1;
    let end = start;
    while (end < this.#text.length && this.#text[end] !== '>' && this.#text[end] !== '<') {
      const quote = this.#text[end] === '"' ? this.#quoteEnd(end) : -1;
      end = quote < 0 ? end + 1 : quote + 1;
    }
    const closed = this.#text[end] === '>';
    const inner = closed ? this.#text.slice(start, end) : (this.#text.slice(start, end).split(',', 1)[0] ?? '');
    this.#at = start + inner.length + (closed ? 1 : 0);
    if (!this.#angle) this.#angle = trimOctets(inner);
    this.#spaced = true;
  }

  /** The entry read so far, and a fresh start. */
  #take(): Mailbox | null {
    const { pieces, comment, angle } = { pieces: this.#pieces, comment: this.#comment, angle: this.#angle };
    this.#reset();
    if (angle !== null) return mailbox(nameOf(pieces, comment), angle);
    if (pieces.length === 0) return null;
    return bareMailbox(pieces, comment);
  }

  #reset(): void {
    this.#pieces = [];
    this.#comment = null;
    this.#angle = null;
    this.#spaced = true;
    this.#hasAt = false;
  }
}

const ATOM = /[^ \t\r\n\v\f"(<,;:]+|:/y;

function unescaped(text: string): string {
  return text.replace(/\\([\s\S])/g, '$1');
}

/** Words with one space between them where the field had any. */
function phrase(pieces: readonly PhrasePiece[]): string {
  return pieces.map((piece, index) => (index > 0 && !piece.glued ? ' ' : '') + piece.text).join('');
}

/** The words before an address, else the comment behind it. */
function nameOf(pieces: readonly PhrasePiece[], comment: string | null): readonly PhrasePiece[] {
  if (phrase(pieces) !== '') return pieces;
  return comment ? [{ text: comment, quoted: false, glued: false }] : [];
}

/** Without brackets: the piece with `@` (and what is glued to it) is the address, the rest its name. */
function bareMailbox(pieces: readonly PhrasePiece[], comment: string | null): Mailbox {
  const at = pieces.findLastIndex((piece) => !piece.quoted && piece.text.includes('@'));
  if (at < 0) {
    const [only] = pieces;
    return pieces.length === 1 && only && !only.quoted
      ? make(nameOf([], comment), only.text, '', null)
      : make(nameOf(pieces, null), '', '', null);
  }
  const { start, end } = extent(pieces, at);
  return mailbox(nameOf([...pieces.slice(0, start), ...pieces.slice(end)], comment), spell(pieces.slice(start, end)));
}

/** `a . b @ c . d`: pieces that a dot or `@` at their edge ties together, and glued ones. */
function extent(pieces: readonly PhrasePiece[], at: number): { start: number; end: number } {
  let start = at;
  let end = at + 1;
  while (start > 0 && tied(pieces[start - 1], pieces[start])) start--;
  while (end < pieces.length && tied(pieces[end - 1], pieces[end])) end++;
  return { start, end };
}

function tied(left: PhrasePiece | undefined, right: PhrasePiece | undefined): boolean {
  if (!left || !right) return false;
  return right.glued || (!left.quoted && /[.@]$/.test(left.text)) || (!right.quoted && /^[.@]/.test(right.text));
}

function spell(pieces: readonly PhrasePiece[]): string {
  return pieces.map((piece) => (piece.quoted ? `"${piece.text.replace(/["\\]/g, '\\$&')}"` : piece.text)).join('');
}

/** An addr-spec, perhaps with an obsolete route before it. */
function mailbox(name: readonly PhrasePiece[], spec: string): Mailbox {
  const [, route = null, address = ''] = /^(?:(@[^:"]*):)?(.*)$/s.exec(withoutComments(spec)) ?? [];
  const at = address.lastIndexOf('@');
  const local = at < 0 ? address : address.slice(0, at);
  const domain = at < 0 ? '' : address.slice(at + 1);
  return make(name, unquotedLocal(trimOctets(local)), domain.replace(/[ \t\r\n\v\f]+/g, ''), route);
}

/** Longer local parts are taken as they are: RFC 5321 §4.5.3.1 allows 64 octets. */
const LOCAL_MAX = 1000;

function unquotedLocal(local: string): string {
  if (local.length > LOCAL_MAX) return local;
  if (!local.includes('"')) return local.replace(/[ \t\r\n\v\f]+/g, '');
  return local.replace(/"((?:[^"\\]|\\[\s\S])*)"/g, (_, inner: string) => unescaped(inner));
}

function withoutComments(spec: string): string {
  return spec.includes('(') && !spec.includes('"') ? spec.replace(/\([^()]*\)/g, '') : spec;
}

function make(pieces: readonly PhrasePiece[], local: string, domain: string, route: string | null): Mailbox {
  const email = domain === '' ? local : `${local}@${domain}`;
  const rawName = phrase(pieces) || null;
  return { name: rawName === null ? null : decodeWords(rawName), email: decodeRaw(email), rawName, pieces, local, domain, route };
}
