/**
 * STORE (RFC 9051 §6.4.6). `.SILENT` spares the client what it knows already; when somebody else changed the same
 * message meanwhile it is told all the same. `\Recent` cannot be set and is passed over. With UNCHANGEDSINCE messages that changed later
 * are left alone, named in MODIFIED, and told as they are (RFC 7162 §3.1.3).
 */
import { type Call, type Client, type Command, type Completion, SELECTED, selectionOf } from '../client.ts';
import { checkFlags } from '../flagsets.ts';
import { becomeAware, type Manner, mannerOf } from '../manner.ts';
import { readModseq } from '../modseq.ts';
import type { Selection } from '../selection.ts';
import { type Flags, Refusal, type StoreRequest } from '../session.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';
import { formatSet } from '../wire/sets.ts';

/** Messages told between two looks at the clock and at the client's reading. */
const TOLD_BATCH = 512;

/** Numbers that fit into a set of a STORE that runs together with others. */
const PROMISED_MAX = 64;

interface Change {
  mode: StoreRequest['mode'];
  silent: boolean;
  flags: string[];
}

const MODES: Record<string, { mode: StoreRequest['mode']; silent: boolean }> = {
  FLAGS: { mode: 'replace', silent: false },
  'FLAGS.SILENT': { mode: 'replace', silent: true },
  '+FLAGS': { mode: 'add', silent: false },
  '+FLAGS.SILENT': { mode: 'add', silent: true },
  '-FLAGS': { mode: 'remove', silent: false },
  '-FLAGS.SILENT': { mode: 'remove', silent: true },
};

export const store: Command = {
  name: 'STORE',
  states: SELECTED,
  uid: 'also',
  async run(client, args, call) {
    const selection = selectionOf(client);
    args.space();
    const uids = selection.resolve(args.set(), call.uid);
    args.space();
    const unchangedSince = readModifiers(args);
    const change = readChange(args);
    args.end();
    if (uids === null) throw new Malformed('There is no such message');
    if (selection.box.readOnly) throw new Refusal('READ-ONLY', 'The mailbox is open for reading only');
    // What depends on how things stand waits until the STOREs before it can be seen.
    if (unchangedSince !== undefined || change.mode === 'replace') await call.turn;
    if (unchangedSince !== undefined) becomeAware(client);
    const expected = change.silent ? expectations(selection, uids, change) : null;
    const { modified } = await stored(selection, { uids, mode: change.mode, flags: change.flags, unchangedSince }, call);
    await tellStored(client, selection, { uids, modified: new Set(modified), expected, manner: mannerOf(client, call.uid) });
    return { ...completion(selection, uids, modified, call), expunge: call.uid };
  },
};

/** Resolves when it is done and everything before it has been answered. */
async function stored(selection: Selection, request: StoreRequest, { turn }: Call): Promise<{ modified: number[] }> {
  if (request.uids.length === 0) return { modified: [] };
  // A large one has no neighbours (together.ts) that could tell its messages before it.
  const promised = request.uids.length > PROMISED_MAX ? [] : request.uids;
  selection.promise(promised);
  try {
    return await selection.box.store(request);
  } finally {
    await turn;
    selection.keepPromise(promised);
  }
}

function completion(selection: Selection, uids: number[], modified: number[], { uid }: Call): Completion {
  const failed = uid ? modified : modified.map((one) => selection.view.sequenceOf(one)).filter((sequence) => sequence > 0);
  if (failed.length > 0) return { text: 'Conditional STORE failed for some', code: `MODIFIED ${formatSet(failed)}` };
  const missing = !uid && selection.view.expungePending && uids.some((one) => !selection.box.flags(one));
  return { text: 'STORE completed', ...(missing ? { code: 'EXPUNGEISSUED' } : {}) };
}

interface Stored {
  uids: number[];
  modified: ReadonlySet<number>;
  /** Null: not silent. */
  expected: Map<number, string> | null;
  manner: Manner;
}

/** The new flags of every message named (RFC 9051 §6.4.6), changed or not; of a silent one what the client cannot work out. */
async function tellStored(client: Client, selection: Selection, { uids, modified, expected, manner }: Stored): Promise<void> {
  for (let from = 0; from < uids.length && !client.output.closed; from += TOLD_BATCH) {
    for (const uid of uids.slice(from, from + TOLD_BATCH)) {
      if (!expected || modified.has(uid)) selection.tellFlags(client.output, uid, manner);
      else settle(client, selection, uid, expected, manner);
    }
    await client.breathe();
  }
}

/** Silent: what the client can work out itself is not owed to it, but for the mod-sequence (RFC 7162 §3.1.3). */
function settle(client: Client, selection: Selection, uid: number, expected: Map<number, string>, manner: Manner): void {
  if (canonical(selection.box.flags(uid)?.list ?? []) !== expected.get(uid)) return;
  if (manner.modseq) selection.tellModseq(client.output, uid, manner);
  else selection.view.flagsTold(uid);
}

/** `(UNCHANGEDSINCE n) `; undefined without it. */
function readModifiers(args: Arguments): number | undefined {
  if (args.peek() !== '(') return undefined;
  const values = args.list(() => {
    if (args.word('a STORE modifier') !== 'UNCHANGEDSINCE') throw new Malformed('Unknown STORE modifier');
    args.space();
    return readModseq(args, true);
  });
  if (values.length !== 1) throw new Malformed('One UNCHANGEDSINCE is expected');
  args.space();
  return values[0];
}

/** What the flags will be for a client that knows them as they are now. Left out: those it does not know. */
function expectations(selection: Selection, uids: number[], change: Change): Map<number, string> {
  const bySet = new Map<Flags, string>();
  const expected = new Map<number, string>();
  for (const uid of uids) {
    const flags = selection.box.flags(uid);
    if (!flags || selection.view.owesFlags(uid)) continue;
    let after = bySet.get(flags);
    if (after === undefined) {
      after = canonical(applied(flags.list, change));
      bySet.set(flags, after);
    }
    expected.set(uid, after);
  }
  return expected;
}

function applied(before: readonly string[], { mode, flags }: Change): string[] {
  if (mode === 'replace') return flags;
  if (mode === 'add') return [...before, ...flags];
  const removed = new Set(flags.map((flag) => flag.toLowerCase()));
  return before.filter((flag) => !removed.has(flag.toLowerCase()));
}

function canonical(flags: readonly string[]): string {
  return [...new Set(flags.map((flag) => flag.toLowerCase()))].sort().join(' ');
}

function readChange(args: Arguments): Change {
  const name = args.word('FLAGS');
  const how = Object.hasOwn(MODES, name) ? MODES[name] : undefined;
  if (!how) throw new Malformed('Expected FLAGS');
  args.space();
  const flags = args.peek() === '(' ? args.list(() => args.flag()) : bareFlags(args);
  return { ...how, flags: checkFlags(flags) };
}

/** `STORE 1 +FLAGS \\Seen $Forwarded`: the list may do without parentheses. */
function bareFlags(args: Arguments): string[] {
  const flags = [args.flag()];
  while (args.skip(' ')) flags.push(args.flag());
  return flags;
}
