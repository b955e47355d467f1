/**
 * Lines that describe mailboxes (RFC 9051 §7.3.1, §7.3.4): LIST attributes and STATUS items, and the matching of names
 * against patterns (§6.3.9). Matching is linear in pattern times name: a pattern is hostile input.
 */
import type { Mailbox, MailboxStatus } from './session.ts';
import { type Arguments, Malformed } from './wire/arguments.ts';
import { mailboxName } from './wire/encoder.ts';

export const SEPARATOR = '/';

/** What a LIST line may carry besides the name. */
export interface ListDetail {
  subscribed?: boolean;
  /** `CHILDINFO`: some child matches the selection (RFC 9051 §6.3.9.6). */
  childInfo?: boolean;
  /** `OLDNAME`: what the mailbox was called before, or how the client called it (RFC 9051 §6.3.9.7). */
  oldName?: string;
  /** Replaces the attributes of an existing mailbox: a name that is only a parent. */
  attributes?: string[];
}

export function listLine(mailbox: Mailbox, utf8: boolean, detail: ListDetail = {}, verb = 'LIST'): string {
  const attributes = detail.attributes ?? [mailbox.hasChildren ? '\\HasChildren' : '\\HasNoChildren'];
  if (mailbox.specialUse && !detail.attributes) attributes.push(mailbox.specialUse);
  if (detail.subscribed && mailbox.subscribed) attributes.push('\\Subscribed');
  const items = [
    ...(detail.childInfo ? ['"CHILDINFO" ("SUBSCRIBED")'] : []),
    ...(detail.oldName === undefined ? [] : [`"OLDNAME" (${mailboxName(detail.oldName, utf8)})`]),
  ];
  const extended = items.length > 0 ? ` (${items.join(' ')})` : '';
  return `* ${verb} (${attributes.join(' ')}) "${SEPARATOR}" ${mailboxName(mailbox.name, utf8)}${extended}`;
}

const STATUS_ITEMS: Record<string, (status: MailboxStatus, mailbox: Mailbox) => string> = {
  MESSAGES: (status) => String(status.messages),
  RECENT: () => '0',
  UIDNEXT: (status) => String(status.uidnext),
  UIDVALIDITY: (status) => String(status.uidvalidity),
  UNSEEN: (status) => String(status.unseen),
  DELETED: (status) => String(status.deleted),
  'DELETED-STORAGE': (status) => String(status.deletedSize),
  HIGHESTMODSEQ: (status) => String(status.highestModseq),
  SIZE: (status) => String(status.size),
  MAILBOXID: (_status, mailbox) => `(${mailbox.id})`,
};

/** `(MESSAGES UNSEEN …)`. */
export function readStatusItems(args: Arguments, appendLimit: boolean): string[] {
  const items = args.list(() => {
    const item = args.word('status item');
    if (!Object.hasOwn(STATUS_ITEMS, item) && !(appendLimit && item === 'APPENDLIMIT')) throw new Malformed('Unknown STATUS item');
    return item;
  });
  if (items.length === 0) throw new Malformed('No STATUS items');
  return [...new Set(items)];
}

export function statusLine(mailbox: Mailbox, status: MailboxStatus, items: string[], utf8: boolean, appendLimit: number): string {
  const values = items.map((item) => `${item} ${STATUS_ITEMS[item]?.(status, mailbox) ?? appendLimit}`);
  return `* STATUS ${mailboxName(mailbox.name, utf8)} (${values.join(' ')})`;
}

/** `*` matches anything, `%` anything but the separator; INBOX matches in any case. */
export function matchesPattern(name: string, pattern: string): boolean {
  if (matches(name, pattern)) return true;
  return name === 'INBOX' || name.startsWith('INBOX/')
    ? matches(name.slice(0, 5).toLowerCase() + name.slice(5), lowerInbox(pattern))
    : false;
}

function lowerInbox(pattern: string): string {
  return pattern.slice(0, 5).toLowerCase() + pattern.slice(5);
}

/** Which prefixes of the pattern match the name so far, carried along the name: no backtracking. */
function matches(name: string, pattern: string): boolean {
  let reached = closure(new Array<boolean>(pattern.length + 1).fill(false), pattern, [0]);
  for (const character of name) {
    const next: number[] = [];
    for (let at = 0; at < pattern.length; at += 1) {
      if (!reached[at]) continue;
      const wanted = pattern[at];
      if (wanted === '*' || (wanted === '%' && character !== SEPARATOR)) next.push(at);
      else if (pattern.startsWith(character, at)) next.push(at + character.length);
    }
    reached = closure(new Array<boolean>(pattern.length + 1).fill(false), pattern, next);
  }
  return reached[pattern.length] === true;
}

/** A wild card may match nothing, so what stands before it stands behind it too. */
function closure(reached: boolean[], pattern: string, starts: number[]): boolean[] {
  for (const start of starts) reached[start] = true;
  for (let at = 0; at < pattern.length; at += 1) {
    if (reached[at] && (pattern[at] === '*' || pattern[at] === '%')) reached[at + 1] = true;
  }
  return reached;
}
