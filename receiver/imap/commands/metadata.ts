/**
 * GETMETADATA and SETMETADATA (RFC 5464): annotations of mailboxes and, by the empty name, of the server. An account is one
 * person's, so `/private` and `/shared` differ in name only. `/shared/admin` is the operator's and cannot be set.
 */
import { isMetadataEntry, METADATA_CHANGES_MAX, METADATA_VALUE_MAX } from '../../../shared/metadata.ts';
import { type Client, type Command, type Completion, LOGGED_IN, sessionOf } from '../client.ts';
import { metadataLine, readEntries, readEntry, selectEntries } from '../metadata.ts';
import { decodeName, findMailbox, normaliseName } from '../names.ts';
import { type Mailbox, Refusal } from '../session.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';

/** RFC 5464 §3.2.1.1: always read-only. */
const READ_ONLY = new Set(['/shared/admin']);

export const getMetadata: Command = {
  name: 'GETMETADATA',
  states: LOGGED_IN,
  async run(client, args): Promise<Completion> {
    args.space();
    const options = args.peek() === '(' ? readOptions(args) : NO_OPTIONS;
    const mailbox = readPlace(client, args);
    args.space();
    // RFC 5464 §4.2.1 has the options before the mailbox in its grammar and behind it in its examples: clients do either.
    const late = args.peek() === '(' && options === NO_OPTIONS ? readLateOptions(args) : null;
    const entries = readEntries(args);
    args.end();
    const wanted = selectEntries(sessionOf(client).metadata(mailbox), entries, (late ?? options).depth);
    const { maxSize } = late ?? options;
    const short = wanted.filter(([, value]) => value.length <= maxSize);
    if (short.length > 0) client.output.line(metadataLine(mailbox?.name ?? '', short, client.utf8));
    const longest = Math.max(0, ...wanted.map(([, value]) => value.length).filter((length) => length > maxSize));
    return { text: 'GETMETADATA completed', ...(longest > 0 ? { code: `METADATA LONGENTRIES ${longest}` } : {}) };
  },
};

export const setMetadata: Command = {
  name: 'SETMETADATA',
  states: LOGGED_IN,
  async run(client, args): Promise<Completion> {
    args.space();
    const mailbox = readPlace(client, args);
    args.space();
    const entries = new Map<string, string | null>();
    args.list(() => {
      const entry = readEntry(args);
      args.space();
      entries.set(entry, args.value());
    });
    args.end();
    check(mailbox, entries);
    await sessionOf(client).setMetadata(mailbox, entries);
    client.notifier?.own([mailbox?.name ?? '']);
    return { text: 'SETMETADATA completed' };
  },
};

function check(mailbox: Mailbox | null, entries: ReadonlyMap<string, string | null>): void {
  if (entries.size === 0) throw new Malformed('Nothing to set');
  if (entries.size > METADATA_CHANGES_MAX) throw new Refusal('LIMIT', `At most ${METADATA_CHANGES_MAX} entries at once`);
  for (const [entry, value] of entries) {
    if (!isMetadataEntry(entry) || (mailbox === null && READ_ONLY.has(entry))) throw new Refusal('NOPERM', 'This entry cannot be set');
    if ((value?.length ?? 0) > METADATA_VALUE_MAX) throw new Refusal(`METADATA MAXSIZE ${METADATA_VALUE_MAX}`, 'The value is too large');
  }
}

interface Options {
  maxSize: number;
  /** Levels below an entry that are told as well. */
  depth: number;
}
const NO_OPTIONS: Options = { maxSize: Number.POSITIVE_INFINITY, depth: 0 };
const DEPTHS: Record<string, number> = { '0': 0, '1': 1, INFINITY: Number.POSITIVE_INFINITY };

function readOptions(args: Arguments): Options {
  const options = readOptionList(args);
  args.space();
  return options;
}

function readOptionList(args: Arguments): Options {
  const options = { ...NO_OPTIONS };
  args.list(() => {
    const name = args.word('option');
    args.space();
    if (name === 'MAXSIZE') options.maxSize = args.number();
    else if (name === 'DEPTH') options.depth = DEPTHS[args.word('depth')] ?? unknownOption();
    else unknownOption();
  });
  return options;
}

/** A list behind the mailbox is a list of entries, unless it begins with the name of an option. */
function readLateOptions(args: Arguments): Options | null {
  if (!args.lookingAt('(MAXSIZE ') && !args.lookingAt('(DEPTH ')) return null;
  return readOptions(args);
}

function unknownOption(): never {
  throw new Malformed('Unknown option');
}

/** Null for the server, which is the empty name. */
function readPlace(client: Client, args: Arguments): Mailbox | null {
  const name = args.astring();
  return name === '' ? null : findMailbox(client, normaliseName(decodeName(name, client)));
}
