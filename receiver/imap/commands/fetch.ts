/**
 * FETCH (RFC 9051 §6.4.5, §7.5.2). Flags, UIDs and mod-sequences come from memory; all else message by message, from the index and the
 * originals, without waiting where both are at hand. Items come back in the order asked; a UID FETCH names the UID first. When an
 * original cannot be had now, the others are sent and the tagged answer says so. CHANGEDSINCE and VANISHED: RFC 7162.
 */
import { requireItems } from '../capabilities.ts';
import { type Command, type Completion, SELECTED, selectionOf } from '../client.ts';
import { type Fetching, modseqOf, sendMessages, told } from '../fetch/answers.ts';
import { type FetchItem, readItems } from '../fetch/items.ts';
import { readModifiers } from '../fetch/modifiers.ts';
import { type Immediate, isImmediate } from '../fetch/plain.ts';
import { markSeen } from '../fetch/seen.ts';
import { becomeAware, fetchStart, type Manner, mannerOf } from '../manner.ts';
import { partOf } from '../search/results.ts';
import type { Selection } from '../selection.ts';
import type { Flags, Refusal } from '../session.ts';
import { earlierLines, knownRanges } from '../vanished.ts';
import { Malformed } from '../wire/arguments.ts';
import type { SequenceSet } from '../wire/sets.ts';

/** Messages between two looks at the clock and at the client's reading. */
const FLAGS_BATCH = 512;
/** Messages marked as seen in one write before they are sent. */
const MARKED_BATCH = 32;

export const fetch: Command = {
  name: 'FETCH',
  states: SELECTED,
  uid: 'also',
  async run(client, args, call): Promise<Completion> {
    const selection = selectionOf(client);
    args.space();
    const set = args.set();
    args.space();
    const items = readItems(args);
    requireItems(client, items);
    const { changedSince, partial, vanished } = readModifiers(args, client, call);
    args.end();
    if (changedSince !== null || items.includes('MODSEQ')) becomeAware(client);
    const fetching = { client, selection, manner: mannerOf(client, call.uid) };
    if (vanished && changedSince !== null) tellVanished(fetching, set, changedSince);
    const named = selection.resolve(set, call.uid);
    if (named === null) throw new Malformed('There is no such message');
    // RFC 9394 §3.4: the part is taken first, whatever the order of the modifiers.
    const uids = partial ? partOf(named, partial) : named;
    const wanted = changedSince === null ? uids : uids.filter((uid) => selection.box.modseq(uid) > changedSince);
    const failure = await fetchItems(fetching, wanted, completed(items, fetching.manner, { uid: call.uid, modseq: changedSince !== null }));
    if (failure) throw failure;
    const missing = !call.uid && selection.view.expungePending && uids.some((uid) => !selection.box.flags(uid));
    return { text: 'FETCH completed', expunge: call.uid, ...(missing ? { code: 'EXPUNGEISSUED' } : {}) };
  },
};

/** The items asked for and those that come along: the UID first, the mod-sequence last. A UIDFETCH is named by its UID (RFC 9586). */
function completed(items: FetchItem[], { uidOnly }: Manner, { uid, modseq }: { uid: boolean; modseq: boolean }): FetchItem[] {
  const first: FetchItem[] = uid && !uidOnly && !items.includes('UID') ? ['UID'] : [];
  const last: FetchItem[] = modseq && !items.includes('MODSEQ') ? ['MODSEQ'] : [];
  return [...first, ...items, ...last];
}

/** What has gone is told before any FETCH (RFC 7162 §3.2.6). What this client still counts is told first, in its own form. */
function tellVanished({ client, selection, manner }: Fetching, set: SequenceSet, changedSince: number): void {
  selection.tell(client.output, true, manner, true);
  const known: [number, number][] = set.saved ? selection.saved.map((uid) => [uid, uid]) : knownRanges(set, selection.box);
  client.output.write(earlierLines(selection.box, known, changedSince));
}

/** Why some messages could not be sent, or null. */
export async function fetchItems(fetching: Fetching, uids: number[], items: FetchItem[]): Promise<Refusal | null> {
  if (!items.every(isImmediate)) return fetchMessages(fetching, uids, items);
  await fetchFlags(fetching, uids, items);
  return null;
}

/** No promise and no lookup but the flags per message. */
async function fetchFlags({ client, selection, manner }: Fetching, uids: number[], items: Immediate[]): Promise<void> {
  const { box, view } = selection;
  const { output } = client;
  const known = view.uids;
  const write = immediateWriter(selection, items);
  const withFlags = items.includes('FLAGS');
  let index = 0;
  for (let from = 0; from < uids.length; from += FLAGS_BATCH) {
    const to = Math.min(from + FLAGS_BATCH, uids.length);
    let text = '';
    for (let at = from; at < to; at += 1) {
      const uid = uids[at] ?? 0;
      while (index < known.length && (known[index] ?? 0) < uid) index += 1;
      const flags = box.flags(uid);
      if (!flags || known[index] !== uid) continue;
      if (withFlags) told(client, selection, uid, flags);
      text += `${fetchStart(manner, index + 1, uid)}${write(uid, flags)})\r\n`;
    }
    output.write(text);
    await client.breathe();
    if (output.closed) return;
  }
}

type ImmediateWriter = (uid: number, flags: Flags) => string;

/** The items as one function; the two pairs that clients ask for all the time without a loop. */
function immediateWriter(selection: Selection, items: Immediate[]): ImmediateWriter {
  const asked = items.join(' ');
  if (asked === 'UID FLAGS') return (uid, flags) => `UID ${uid} FLAGS ${flags.text}`;
  if (asked === 'FLAGS UID') return (uid, flags) => `FLAGS ${flags.text} UID ${uid}`;
  const writers: Record<Immediate, ImmediateWriter> = {
    UID: (uid) => `UID ${uid}`,
    FLAGS: (_uid, flags) => `FLAGS ${flags.text}`,
    MODSEQ: (uid) => `MODSEQ (${modseqOf(selection, uid)})`,
  };
  const asOrdered = items.map((item) => writers[item]);
  return (uid, flags) => asOrdered.map((write) => write(uid, flags)).join(' ');
}

/** Those whose reading marks them are marked some at a time, and told with their new flags. */
async function fetchMessages(fetching: Fetching, uids: number[], items: FetchItem[]): Promise<Refusal | null> {
  const { client, selection, manner } = fetching;
  const marks = items.some((item) => typeof item !== 'string' && item.marksSeen);
  if (!marks) return sendMessages(fetching, uids, () => items);
  const marked = withChange(items, manner);
  let failure: Refusal | null = null;
  for (let from = 0; from < uids.length && !client.output.closed; from += MARKED_BATCH) {
    const batch = uids.slice(from, from + MARKED_BATCH);
    const changed = await markSeen(selection.box, batch);
    failure = (await sendMessages(fetching, batch, (uid) => (changed.has(uid) ? marked : items))) ?? failure;
  }
  return failure;
}

/** What the answer for a message that has just become `\Seen` must tell besides (RFC 9051 §6.4.5, RFC 7162 §3.2.4). */
function withChange(items: FetchItem[], { uid, modseq }: Manner): FetchItem[] {
  const dynamic: FetchItem[] = [...(uid && modseq ? ['UID' as const] : []), 'FLAGS', ...(modseq ? ['MODSEQ' as const] : [])];
  return [...items, ...dynamic.filter((item) => !items.includes(item))];
}
