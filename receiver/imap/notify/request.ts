/**
 * What NOTIFY asks for (RFC 5465 §6, §8): for which mailboxes which events. Read into values; what the RFC forbids to combine is
 * a BAD, an event that nobody here knows a NO with the list of those we do.
 */
import type { Client } from '../client.ts';
import { type FetchItem, readItems } from '../fetch/items.ts';
import { readMailboxName } from '../names.ts';
import { type Mailbox, Refusal } from '../session.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';

export const EVENTS = [
  'MessageNew',
  'MessageExpunge',
  'FlagChange',
  'MailboxName',
  'SubscriptionChange',
  'MailboxMetadataChange',
  'ServerMetadataChange',
] as const;
export type EventName = (typeof EVENTS)[number];
const MESSAGE_EVENTS: ReadonlySet<EventName> = new Set(['MessageNew', 'MessageExpunge', 'FlagChange']);
const BY_UPPER_CASE = new Map<string, EventName>(EVENTS.map((name) => [name.toUpperCase(), name]));

/** Groups of one command, and names in all of them: each change is held against each. */
const GROUPS_MAX = 32;
const NAMES_MAX = 1000;

/** What to tell of the selected mailbox. */
export interface Selected {
  /** SELECTED-DELAYED: EXPUNGE waits for a command that allows it. */
  delayed: boolean;
  messages: boolean;
  flags: boolean;
  /** What to send of new messages; empty for nothing but EXISTS. */
  items: FetchItem[];
}
export interface Group {
  covers(mailbox: Mailbox): boolean;
  events: ReadonlySet<EventName>;
}
export interface NotifyRequest {
  /** STATUS of what is watched, at once. */
  status: boolean;
  /** Null: nothing of it. Undefined: as without NOTIFY. */
  selected: Selected | null | undefined;
  groups: Group[];
}

export const NOTHING: NotifyRequest = { status: false, selected: null, groups: [] };
/** ENABLE METADATA (RFC 5464 §4.4): annotations that others change, between commands and in IDLE. */
export const ANNOTATIONS: NotifyRequest = {
  status: false,
  selected: undefined,
  groups: [{ covers: () => true, events: new Set<EventName>(['MailboxMetadataChange', 'ServerMetadataChange']) }],
};

/** `NONE`, or `SET [STATUS] group…`. */
export function readNotify(client: Client, args: Arguments): NotifyRequest {
  args.space();
  const form = args.word();
  if (form === 'NONE') {
    args.end();
    return NOTHING;
  }
  if (form !== 'SET') throw new Malformed('Expected SET or NONE');
  args.space();
  const status = args.peekWord() === 'STATUS';
  if (status) {
    args.word();
    args.space();
  }
  const reading: Reading = { client, request: { status, selected: null, groups: [] }, names: 0, unknown: false, count: 0 };
  do {
    readGroup(reading, args);
  } while (args.skip(' '));
  args.end();
  if (reading.unknown) throw new Refusal(`BADEVENT (${EVENTS.join(' ')})`, 'There are no such events here');
  return reading.request;
}

interface Reading {
  client: Client;
  request: NotifyRequest;
  names: number;
  count: number;
  unknown: boolean;
}

function readGroup(reading: Reading, args: Arguments): void {
  if (++reading.count > GROUPS_MAX) throw new Refusal('NOTIFICATIONOVERFLOW', 'Too many groups');
  args.char('(');
  const filter = args.word('mailbox filter');
  const isSelected = filter === 'SELECTED' || filter === 'SELECTED-DELAYED';
  const covers = isSelected ? null : readFilter(reading, filter, args);
  args.space();
  const { events, items } = readEvents(reading, args);
  args.char(')');
  checkEvents(events);
  if (covers) {
    if (items.length > 0) throw new Malformed('FETCH items are for the selected mailbox');
    reading.request.groups.push({ covers, events });
    return;
  }
  if (reading.request.selected) throw new Malformed('The selected mailbox is named twice');
  if ([...events].some((event) => !MESSAGE_EVENTS.has(event))) throw new Malformed('Only message events for the selected mailbox');
  const delayed = filter === 'SELECTED-DELAYED';
  reading.request.selected = { delayed, messages: events.has('MessageNew'), flags: events.has('FlagChange'), items };
}

type Filter = Group['covers'];
const SIMPLE: Record<string, Filter> = { PERSONAL: () => true, INBOXES: () => true, SUBSCRIBED: ({ subscribed }) => subscribed };

function readFilter(reading: Reading, filter: string, args: Arguments): Filter {
  const simple = Object.hasOwn(SIMPLE, filter) ? SIMPLE[filter] : undefined;
  if (simple) return simple;
  if (filter !== 'SUBTREE' && filter !== 'MAILBOXES') throw new Malformed('Unknown mailbox filter');
  args.space();
  const read = () => readMailboxName(args, reading.client);
  const names = new Set(args.peek() === '(' ? args.list(read) : [read()]);
  reading.names += names.size;
  if (names.size === 0) throw new Malformed('No mailbox is named');
  if (reading.names > NAMES_MAX) throw new Refusal('NOTIFICATIONOVERFLOW', 'Too many mailboxes');
  if (filter === 'MAILBOXES') return ({ name }) => names.has(name);
  return ({ name }) => levelsOf(name).some((level) => names.has(level));
}

/** The name and those above it. */
function levelsOf(name: string): string[] {
  const levels = name.split('/');
  return levels.map((_level, index) => levels.slice(0, index + 1).join('/'));
}

function readEvents(reading: Reading, args: Arguments): { events: Set<EventName>; items: FetchItem[] } {
  const events = new Set<EventName>();
  let items: FetchItem[] = [];
  if (args.peek() !== '(') {
    if (args.word('events') !== 'NONE') throw new Malformed('Expected a list of events or NONE');
    return { events, items };
  }
  args.list(() => {
    // Behind MessageNew a list is that of its items, not another event.
    if (args.peek() === '(') {
      if (!events.has('MessageNew') || events.size > 1 || items.length > 0) throw new Malformed('Expected an event');
      items = readItems(args);
      return;
    }
    const event = BY_UPPER_CASE.get(args.word('event'));
    if (event) events.add(event);
    else reading.unknown = true;
  });
  if (items.some((item) => typeof item !== 'string' && item.marksSeen)) throw new Malformed('Items must not set \\Seen');
  return { events, items };
}

/** RFC 5465 §5. */
function checkEvents(events: ReadonlySet<EventName>): void {
  if (events.has('MessageNew') !== events.has('MessageExpunge')) throw new Malformed('MessageNew and MessageExpunge go together');
  if (events.has('FlagChange') && !events.has('MessageNew')) throw new Malformed('FlagChange needs MessageNew and MessageExpunge');
}
