/**
 * STORE (RFC 9051 §6.4.6). `.SILENT` spares the client what it knows already; when somebody else changed the same
 * message meanwhile it is told all the same. `\Recent` cannot be set and is passed over.
 */
import { type Command, SELECTED, selectionOf } from '../client.ts';
import { checkFlags } from '../flagsets.ts';
import type { Selection } from '../selection.ts';
import { type Flags, Refusal, type StoreRequest } from '../session.ts';
import { type Arguments, Malformed } from '../wire/arguments.ts';

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
    for (const uid of uids) settle(selection, uid, expected);
    const missing = !call.uid && selection.view.expungePending && uids.some((uid) => !selection.box.flags(uid));
    return { text: 'STORE completed', expunge: call.uid, ...(missing ? { code: 'EXPUNGEISSUED' } : {}) };
  },
};

/** Not silent: the new flags are owed. Silent: they are not, if they are what the client can work out itself. */
function settle(selection: Selection, uid: number, expected: Map<number, string> | null): void {
  if (!expected) selection.view.noteFlags(uid);
  else if (canonical(selection.box.flags(uid)?.list ?? []) === expected.get(uid)) selection.view.flagsTold(uid);
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
