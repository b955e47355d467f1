/**
 * Mailbox names at the border (RFC 9051 §5.1, RFC 3501 §5.1.3): from what a client sent to Unicode in NFC, `/` between
 * levels, INBOX without regard to case. Names that no client could show or address again are refused.
 */
import { MAILBOX_NAME_MAX } from '../../shared/jmap/capabilities.ts';
import type { Client } from './client.ts';
import { listLine } from './listing.ts';
import { type Mailbox, Refusal } from './session.ts';
import type { Arguments } from './wire/arguments.ts';
import { decodeUtf8, isAscii } from './wire/bytes.ts';
import { decodeUtf7 } from './wire/utf7.ts';

/** Characters of a full name. */
const NAME_MAX = 1000;
/** Levels of a new name: each one that is missing is a write of its own. */
const LEVELS_MAX = 16;

/** Reads a mailbox argument. Throws Refusal when it is no name we can hold. */
export function readMailboxName(args: Arguments, client: Client): string {
  return normaliseName(decodeName(args.astring(), client));
}

/** The name in our spelling, and as it was sent. */
export function readMailboxNames(args: Arguments, client: Client): { name: string; sent: string } {
  const bytes = args.astring();
  return { name: normaliseName(decodeName(bytes, client)), sent: decode(bytes, client) };
}

/** OLDNAME for a name that we spell otherwise than the client did (RFC 9051 §6.3.9.7); a trailing separator is no part of it. */
export function tellOtherName(client: Client, mailbox: Mailbox, sent: string): void {
  const same = mailbox.name === (sent.length > 1 && sent.endsWith('/') ? sent.slice(0, -1) : sent);
  if (!same && client.enabled.has('IMAP4REV2')) client.output.line(listLine(mailbox, client.utf8, { oldName: sent }));
}

/** The Unicode form of a name as sent; a client without UTF-8 that sends raw UTF-8 all the same is understood. */
export function decodeName(bytes: string, client: Client): string {
  return decode(bytes, client).normalize('NFC');
}

function decode(bytes: string, client: Client): string {
  const name = client.utf8 || !isAscii(bytes) ? decodeUtf8(bytes) : decodeUtf7(bytes);
  if (name === null) throw new Refusal('CANNOT', 'The mailbox name is not validly encoded');
  return name;
}

/** INBOX in its one spelling, also as the first level (`inbox/x`). */
export function normaliseName(name: string): string {
  if (name.toUpperCase() === 'INBOX') return 'INBOX';
  return /^inbox\//i.test(name) ? `INBOX${name.slice(5)}` : name;
}

/** Throws Refusal when a mailbox of this name may not be made. */
export function checkNewName(name: string): void {
  const levels = name.split('/');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused (RFC 5198 §2)
  const unprintable = /[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]/.test(name);
  if (levels.includes('')) throw new Refusal('CANNOT', 'A level of the name is empty');
  if (unprintable || /[%*]/.test(name)) throw new Refusal('CANNOT', 'The name has characters that are not allowed');
  const isLong = (level: string) => Buffer.byteLength(level) > MAILBOX_NAME_MAX;
  if (name.length > NAME_MAX || levels.length > LEVELS_MAX || levels.some(isLong)) throw new Refusal('LIMIT', 'The name is too long');
}

/** The mailbox, or the NO that says it is not there. */
export function findMailbox(client: Client, name: string): Mailbox {
  const mailbox = client.session?.find(name);
  if (!mailbox) throw new Refusal('NONEXISTENT', 'No such mailbox');
  return mailbox;
}
