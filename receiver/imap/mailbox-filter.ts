/**
 * Which mailboxes a command speaks of (RFC 5465 §6 `filter-mailboxes`, with RFC 7377 §2.2's `subtree-one`): by kind, by name, by tree. A
 * name that does not exist matches nothing, and wild cards are no wild cards here.
 */
import type { Client } from './client.ts';
import { SEPARATOR } from './listing.ts';
import { readMailboxName } from './names.ts';
import type { Mailbox } from './session.ts';
import { type Arguments, Malformed } from './wire/arguments.ts';

/** Names of one filter. */
const NAMES_MAX = 1000;

export interface MailboxFilter {
  /** Upper case. */
  kind: string;
  names: ReadonlySet<string>;
}

const KINDS: Record<string, { named: boolean; holds: (mailbox: Mailbox, names: ReadonlySet<string>) => boolean }> = {
  // Where ingest puts mail.
  INBOXES: { named: false, holds: ({ name, specialUse }) => name === 'INBOX' || specialUse === '\\Junk' },
  PERSONAL: { named: false, holds: () => true },
  SUBSCRIBED: { named: false, holds: ({ subscribed }) => subscribed },
  MAILBOXES: { named: true, holds: ({ name }, names) => names.has(name) },
  SUBTREE: { named: true, holds: ({ name }, names) => names.has(name) || ancestors(name).some((parent) => names.has(parent)) },
  'SUBTREE-ONE': { named: true, holds: ({ name }, names) => names.has(name) || names.has(parentOf(name)) },
};

/** One filter that is not about the selected mailbox; `kind` has been read. Throws `Malformed` for one that is none. */
export function readFilter(args: Arguments, client: Client, kind: string): MailboxFilter {
  const known = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (!known) throw new Malformed('Unknown mailbox specifier');
  if (!known.named) return { kind, names: new Set() };
  args.space();
  const names = args.peek() === '(' ? args.list(() => readMailboxName(args, client)) : [readMailboxName(args, client)];
  if (names.length === 0 || names.length > NAMES_MAX) throw new Malformed('No mailbox named, or too many');
  return { kind, names: new Set(names) };
}

export function filterHolds({ kind, names }: MailboxFilter, mailbox: Mailbox): boolean {
  return KINDS[kind]?.holds(mailbox, names) ?? false;
}

function parentOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf(SEPARATOR)));
}

function ancestors(name: string): string[] {
  const parents: string[] = [];
  for (let parent = parentOf(name); parent !== ''; parent = parentOf(parent)) parents.push(parent);
  return parents;
}
