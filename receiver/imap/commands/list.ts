/**
 * LIST (RFC 9051 §6.3.9): basic, extended (RFC 5258), with STATUS (RFC 5819) and special use (RFC 6154). Every
 * mailbox exists and can be selected here; so SUBSCRIBED is the only selection that needs care with parents.
 */
import { type Client, type Command, LOGGED_IN, sessionOf } from '../client.ts';
import { listLine, matchesPattern, readStatusItems, statusLine } from '../listing.ts';
import { decodeName } from '../names.ts';
import type { Mailbox } from '../session.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';

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
  const parents = selecting.recursive ? subscribedParents(mailboxes) : new Set<string>();
  for (const mailbox of mailboxes) {
    if (!patterns.some((pattern) => matchesPattern(mailbox.name, pattern))) continue;
    const childInfo = parents.has(mailbox.name);
    const chosen = isChosen(mailbox, selecting);
    if (!chosen && !childInfo) continue;
    client.output.line(listLine(mailbox, client.utf8, { subscribed: returning.subscribed || selecting.subscribed, childInfo }));
    if (returning.status && chosen) {
      client.output.line(statusLine(mailbox, session.status(mailbox), returning.status, client.utf8, client.messageSizeLimit));
    }
    await client.breathe();
  }
}

function isChosen(mailbox: Mailbox, selecting: Selecting): boolean {
  return (!selecting.subscribed || mailbox.subscribed) && (!selecting.specialUse || mailbox.specialUse !== null);
}

/** Names that have a subscribed descendant. */
function subscribedParents(mailboxes: Mailbox[]): Set<string> {
  const parents = new Set<string>();
  for (const { name, subscribed } of mailboxes) {
    if (!subscribed) continue;
    for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) parents.add(name.slice(0, at));
  }
  return parents;
}

function readRequest(client: Client, args: Arguments): Request {
  args.space();
  const extended = args.peek() === '(';
  const selecting = readSelecting(args);
  const reference = decodeName(args.astring(), client);
  args.space();
  const several = args.peek() === '(';
  const given = (several ? args.list(() => args.pattern()) : [args.pattern()]).map((pattern) => decodeName(pattern, client));
  const returning = readReturning(args);
  args.end();
  const length = given.reduce((total, pattern) => total + reference.length + pattern.length, 0);
  if (length > PATTERNS_LENGTH_MAX) throw new Malformed('Patterns too long');
  const basic = !extended && !several && returning === null;
  return {
    selecting,
    patterns: given.map((pattern) => collapse(pattern.startsWith('/') ? pattern : reference + pattern)),
    returning: returning ?? { subscribed: false, status: null },
    rootOnly: basic && given[0] === '',
  };
}

/** `**` and `*%` mean no more than `*`. */
function collapse(pattern: string): string {
  return pattern.replace(/[*%]*\*[*%]*/g, '*').replace(/%+/g, '%');
}

function readSelecting(args: Arguments): Selecting {
  const selecting: Selecting = { subscribed: false, recursive: false, specialUse: false };
  if (args.peek() !== '(') return selecting;
  const options = args.list(() => args.word('LIST option'));
  args.space();
  for (const option of options) {
    if (option === 'SUBSCRIBED') selecting.subscribed = true;
    else if (option === 'RECURSIVEMATCH') selecting.recursive = true;
    else if (option === 'SPECIAL-USE') selecting.specialUse = true;
    else if (option !== 'REMOTE') throw new Malformed('Unknown LIST selection option');
  }
  // RFC 5258 §6: only a base option carries it, and SPECIAL-USE is an independent one (RFC 6154 §6).
  if (selecting.recursive && !selecting.subscribed) throw new Malformed('RECURSIVEMATCH needs SUBSCRIBED');
  return selecting;
}

function readReturning(args: Arguments): Returning | null {
  if (!args.skip(' ')) return null;
  if (args.word() !== 'RETURN') throw new Malformed('Expected RETURN');
  args.space();
  const returning: Returning = { subscribed: false, status: null };
  args.list(() => {
    const option = args.word('LIST option');
    if (option === 'SUBSCRIBED') returning.subscribed = true;
    else if (option === 'STATUS') {
      args.space();
      returning.status = readStatusItems(args, true);
    } else if (option !== 'CHILDREN' && option !== 'SPECIAL-USE') throw new Malformed('Unknown LIST return option');
  });
  return returning;
}
