/**
 * STORE (RFC 9051 §6.4.6). `.SILENT` spares the client what it knows already; when somebody else changed the same
 * message meanwhile it is told all the same. `\Recent` cannot be set and is passed over.
 */
import { type Client, type Command, SELECTED, selectionOf } from '../client.ts';
import { checkFlags } from '../flagsets.ts';
import type { Selection } from '../selection.ts';
import { type Flags, Refusal, type StoreRequest } from '../session.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';

/** Messages told between two looks at the clock and at the client's reading. */
const TOLD_BATCH = 512;

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
    const change = readChange(args);
    args.end();
    if (uids === null) throw new Malformed('There is no such message');
    if (selection.box.readOnly) throw new Refusal('READ-ONLY', 'The mailbox is open for reading only');
    const expected = change.silent ? expectations(selection, uids, change) : null;
    if (uids.length > 0) await selection.box.store({ uids, mode: change.mode, flags: change.flags });
    if (expected) for (const uid of uids) settle(selection, uid, expected);
    else await tellStored(client, selection, uids, call.uid);
    const missing = !call.uid && selection.view.expungePending && uids.some((uid) => !selection.box.flags(uid));
    return { text: 'STORE completed', expunge: call.uid, ...(missing ? { code: 'EXPUNGEISSUED' } : {}) };
  },
};

/** The new flags of every message named (RFC 9051 §6.4.6), changed or not. */
async function tellStored(client: Client, selection: Selection, uids: number[], withUid: boolean): Promise<void> {
  const named = withUid || client.enabled.has('IMAP4REV2');
  for (let from = 0; from < uids.length && !client.output.closed; from += TOLD_BATCH) {
    for (const uid of uids.slice(from, from + TOLD_BATCH)) selection.tellFlags(client.output, uid, named);
    await client.breathe();
  }
}

/** Silent: what the client can work out itself is not owed to it. */
function settle(selection: Selection, uid: number, expected: Map<number, string>): void {
  if (canonical(selection.box.flags(uid)?.list ?? []) === expected.get(uid)) selection.view.flagsTold(uid);
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
