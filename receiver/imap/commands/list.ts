/**
 * LIST (RFC 9051 §6.3.9): basic, extended (RFC 5258), with STATUS (RFC 5819), METADATA (RFC 9590) and special use (RFC 6154).
 * Every mailbox exists and can be selected here, and none is remote; so RECURSIVEMATCH alone needs care with parents.
 */
import { isOff, requireItems, requireOn } from '../capabilities.ts';
import { type Client, type Command, LOGGED_IN, sessionOf } from '../client.ts';
import { listLine, matchesPattern, readStatusItems, SEPARATOR, statusLine } from '../listing.ts';
import { becomeAware } from '../manner.ts';
import { metadataLine, readEntries } from '../metadata.ts';
import { decodeName } from '../names.ts';
import type { Mailbox } from '../session.ts';
import { orphanedNames } from '../subscriptions.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';
import { mailboxName } from '../wire/encoder.ts';

/** Characters of all patterns of one command: matching a name costs its length times these. */
const PATTERNS_LENGTH_MAX = 2048;

interface Selecting {
  subscribed: boolean;
  recursive: boolean;
  specialUse: boolean;
}
interface Returning {
  subscribed: boolean;
  /** STATUS items, null for none. */
  status: string[] | null;
  /** Names of annotations, null for none. */
  metadata: string[] | null;
}
interface Request {
  selecting: Selecting;
  patterns: string[];
  returning: Returning;
  /** The basic form with an empty pattern: asks for the separator only. */
  rootOnly: boolean;
}

export const list: Command = {
  name: 'LIST',
  states: LOGGED_IN,
  async run(client, args) {
    const request = readRequest(client, args);
    if (request.rootOnly) client.output.line('* LIST (\\Noselect) "/" ""');
    else await answer(client, request);
    return { text: 'LIST completed' };
  },
};

async function answer(client: Client, { selecting, patterns, returning }: Request): Promise<void> {
  const session = sessionOf(client);
  const mailboxes = session.mailboxes();
  const matching = new Set(mailboxes.filter(({ name }) => patterns.some((pattern) => matchesPattern(name, pattern))));
  const chosen = new Set(mailboxes.filter((mailbox) => isChosen(mailbox, selecting)));
  const withChosen = selecting.recursive ? parentsOf(chosen) : NOBODY;
  const withHidden = selecting.recursive ? parentsOf([...chosen].filter((mailbox) => !matching.has(mailbox))) : NOBODY;
  for (const mailbox of matching) {
    // RFC 9051 §6.3.9.3: a parent that is not chosen itself stands for descendants that are not listed.
    if (!chosen.has(mailbox) && !withHidden.has(mailbox.name)) continue;
    const detail = { subscribed: returning.subscribed || selecting.subscribed, childInfo: withChosen.has(mailbox.name) };
    client.output.line(listLine(mailbox, client.utf8, detail));
    if (chosen.has(mailbox)) describe(client, mailbox, returning);
    await client.breathe();
  }
  if (selecting.subscribed && !selecting.specialUse) listOrphans(client, patterns);
}

/** Names subscribed to whose mailbox is gone (RFC 9051 §6.3.9.1). */
function listOrphans(client: Client, patterns: string[]): void {
  for (const name of orphanedNames(sessionOf(client))) {
    if (!patterns.some((pattern) => matchesPattern(name, pattern))) continue;
    client.output.line(`* LIST (\\NonExistent \\Subscribed) "${SEPARATOR}" ${mailboxName(name, client.utf8)}`);
  }
}

/** STATUS and METADATA behind the LIST line. */
function describe(client: Client, mailbox: Mailbox, { status, metadata }: Returning): void {
  const session = sessionOf(client);
  if (status) client.output.line(statusLine(mailbox, session.status(mailbox), status, client.utf8, client.messageSizeLimit));
  if (!metadata) return;
  const known = session.metadata(mailbox);
  const entries = metadata.map((entry) => [entry, known.get(entry) ?? null] as const);
  client.output.line(metadataLine(mailbox.name, entries, client.utf8));
}

function isChosen(mailbox: Mailbox, selecting: Selecting): boolean {
  return (!selecting.subscribed || mailbox.subscribed) && (!selecting.specialUse || mailbox.specialUse !== null);
}

const NOBODY: ReadonlySet<string> = new Set();

/** Names that have one of these below them. */
function parentsOf(mailboxes: Iterable<Mailbox>): Set<string> {
  const parents = new Set<string>();
  for (const { name } of mailboxes) {
    for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) parents.add(name.slice(0, at));
  }
  return parents;
}

function readRequest(client: Client, args: Arguments): Request {
  args.space();
  const extended = args.peek() === '(';
  const selecting = readSelecting(client, args);
  const reference = decodeName(args.astring(), client);
  args.space();
  const several = args.peek() === '(';
  const given = (several ? args.list(() => args.pattern()) : [args.pattern()]).map((pattern) => decodeName(pattern, client));
  const returning = readReturning(client, args);
  args.end();
  const length = given.reduce((total, pattern) => total + reference.length + pattern.length, 0);
  if (length > PATTERNS_LENGTH_MAX) throw new Malformed('Patterns too long');
  const basic = !extended && !several && returning === null;
  if (!basic) requireOn(client, 'LIST-EXTENDED');
  return {
    selecting,
    // RFC 9051 §6.3.9: in the extended form an empty name is no request for the separator, it is nothing.
    patterns: given.filter((pattern) => pattern !== '').map((pattern) => collapse(pattern.startsWith('/') ? pattern : reference + pattern)),
    returning: returning ?? { ...NOTHING },
    rootOnly: basic && given[0] === '',
  };
}

/** `**` and `*%` mean no more than `*`. */
function collapse(pattern: string): string {
  return pattern.replace(/[*%]*\*[*%]*/g, '*').replace(/%+/g, '%');
}

function readSelecting(client: Client, args: Arguments): Selecting {
  const selecting: Selecting = { subscribed: false, recursive: false, specialUse: false };
  if (args.peek() !== '(') return selecting;
  const options = args.list(() => args.word('LIST option'));
  args.space();
  for (const option of options) {
    if (option === 'SUBSCRIBED') selecting.subscribed = true;
    else if (option === 'RECURSIVEMATCH') selecting.recursive = true;
    else if (option === 'SPECIAL-USE' && !isOff(client, 'SPECIAL-USE')) selecting.specialUse = true;
    else if (option !== 'REMOTE') throw new Malformed('Unknown LIST selection option');
  }
  // RFC 5258 §6: only a base option carries it, and SPECIAL-USE is an independent one (RFC 6154 §6).
  if (selecting.recursive && !selecting.subscribed) throw new Malformed('RECURSIVEMATCH needs SUBSCRIBED');
  return selecting;
}

const NOTHING: Returning = { subscribed: false, status: null, metadata: null };

/** By name; those that bring nothing ask for what is always there. */
const RETURN_OPTIONS: Record<string, { capability?: string; read?: (client: Client, args: Arguments, returning: Returning) => void }> = {
  SUBSCRIBED: {
    read: (_client, _args, returning) => {
      returning.subscribed = true;
    },
  },
  CHILDREN: { capability: 'CHILDREN' },
  'SPECIAL-USE': { capability: 'SPECIAL-USE' },
  STATUS: {
    capability: 'LIST-STATUS',
    read: (client, args, returning) => {
      args.space();
      returning.status = readStatusItems(args, true);
      requireItems(client, returning.status);
      if (returning.status.includes('HIGHESTMODSEQ')) becomeAware(client);
    },
  },
  METADATA: {
    capability: 'LIST-METADATA',
    read: (_client, args, returning) => {
      args.space();
      returning.metadata = readEntries(args);
    },
  },
};

function readReturning(client: Client, args: Arguments): Returning | null {
  if (!args.skip(' ')) return null;
  if (args.word() !== 'RETURN') throw new Malformed('Expected RETURN');
  args.space();
  const returning: Returning = { ...NOTHING };
  args.list(() => {
    const name = args.word('LIST option');
    const option = Object.hasOwn(RETURN_OPTIONS, name) ? RETURN_OPTIONS[name] : undefined;
    if (!option) throw new Malformed('Unknown LIST return option');
    if (option.capability) requireOn(client, option.capability);
    option.read?.(client, args, returning);
  });
  return returning;
}
