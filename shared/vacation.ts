/**
 * Who gets a vacation reply (RFC 5230 §4.5, §4.6; RFC 3834 §2): a person who wrote to this person. Never lists, bounces,
 * programs, oneself, or the address that somebody forged into a message: whatever is in doubt is not answered, because
 * a reply too many makes loops and backscatter, and a reply too few makes nothing.
 */
import { formatAddress, parseAddress, withoutDetail } from './address.ts';
import { mailboxesOf, parseAddressList } from './mime/addresses.ts';
import { type HeaderField, headerValues } from './mime/headers.ts';
import type { Verdicts } from './protocol.ts';

/** Local parts that programs write from. `postmaster` is left out: people read it. */
const PROGRAMS =
  /^(?:mailer-daemon|daemon|listserv|majordomo|mailman|no[-_]?reply|do[-_]?not[-_]?reply|bounces?|nobody|root)(?:[-+=_.].*)?$|^owner-|^(?:no-?reply|bounces?)-|-(?:request|owner|bounces?|noreply)(?:[+=].*)?$|[-_.]no-?reply$/;
/** Fields that name the recipient (RFC 5230 §4.5). */
const RECIPIENT_FIELDS = ['to', 'cc', 'bcc', 'resent-to', 'resent-cc', 'resent-bcc'];
/** RFC 2076 §3.9: sent to many. */
const BULK = /^\s*(?:bulk|junk|list)\b/i;
/** Exchange's way of asking for silence. */
const SUPPRESSED = /\b(?:all|oof|autoreply)\b/i;

export interface Arrived {
  /** The reverse-path; empty for the null one. */
  mailFrom: string;
  fields: readonly HeaderField[];
  /** Addresses of the account, and those by which this message reached it, all in the directory's form. */
  ownAddresses: readonly string[];
}

/** The own address that the message was written to and is answered from; null when it is not to be answered. */
export function answeringAddress({ mailFrom, fields, ownAddresses }: Arrived): string | null {
  const sender = normal(mailFrom);
  if (sender === null || isProgram(sender) || isFromProgram(fields)) return null;
  const own = new Set(ownAddresses);
  if (own.has(sender) || own.has(bare(sender))) return null;
  return (
    RECIPIENT_FIELDS.flatMap((name) => addressesOf(fields, name)).find((address) => own.has(address) || own.has(bare(address))) ?? null
  );
}

/** What its header says: sent by a program, to a list, or asking for no answer. */
function isFromProgram(fields: readonly HeaderField[]): boolean {
  const values = (name: string) => headerValues(fields, name);
  return (
    fields.some(({ name }) => /^list-/i.test(name)) ||
    values('auto-submitted').some((value) => !/^\s*no\s*(?:;|\(|$)/i.test(value)) ||
    values('precedence').some((value) => BULK.test(value)) ||
    values('x-auto-response-suppress').some((value) => SUPPRESSED.test(value)) ||
    values('x-spam-flag').some((value) => /^\s*yes/i.test(value)) ||
    values('content-type').some((value) => /^\s*multipart\/report\b/i.test(value)) ||
    addressesOf(fields, 'from').some(isProgram)
  );
}

/** Whether the reverse-path may be somebody's who never wrote this (RFC 3834 §2: no replies to forged addresses). */
export function isDoubtful({ spf, dkim, dmarc }: Pick<Verdicts, 'spf' | 'dkim' | 'dmarc'>): boolean {
  if (dmarc === 'pass') return false;
  return dmarc === 'fail' || (spf === 'fail' && dkim !== 'pass');
}

function isProgram(address: string): boolean {
  return PROGRAMS.test(address.slice(0, address.lastIndexOf('@')));
}

function addressesOf(fields: readonly HeaderField[], name: string): string[] {
  return headerValues(fields, name).flatMap((value) => mailboxesOf(parseAddressList(value)).flatMap(({ email }) => normal(email) ?? []));
}

function normal(email: string): string | null {
  const address = parseAddress(email);
  return address && formatAddress(address);
}

function bare(email: string): string {
  const address = parseAddress(email);
  return address ? formatAddress(withoutDetail(address)) : email;
}
