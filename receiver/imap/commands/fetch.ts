/**
 * FETCH (RFC 9051 §6.4.5, §7.5.2). Three ways, by what is asked: flags, UIDs and mod-sequences from memory, facts from the index,
 * sections from the originals. Items come back in the order asked; a UID FETCH names the UID first. When an original
 * cannot be had now, the others are sent and the tagged answer says so. CHANGEDSINCE and VANISHED: RFC 7162.
 */
import { requireItems } from '../capabilities.ts';
import { type Client, type Command, type Completion, SELECTED, selectionOf } from '../client.ts';
import { type Content, contentAtHand, contentOf, writeContent, writeStream } from '../fetch/content.ts';
import { type BodyItem, type FetchItem, readItems } from '../fetch/items.ts';
import { readModifiers } from '../fetch/modifiers.ts';
import { type Immediate, isImmediate, plainText } from '../fetch/plain.ts';
import { markSeen } from '../fetch/seen.ts';
import { becomeAware, fetchStart, type Manner, mannerOf } from '../manner.ts';
import { partOf } from '../search/results.ts';
import type { Selection } from '../selection.ts';
import { type Flags, type Message, Refusal } from '../session.ts';
import { earlierLines, knownRanges } from '../vanished.ts';
import { Malformed } from '../wire/arguments.ts';
import type { SequenceSet } from '../wire/sets.ts';

/** Messages between two looks at the clock and at the client's reading. */
const FLAGS_BATCH = 512;
const FACTS_BATCH = 200;
/** Messages whose facts are held while their originals are read. */
const BODIES_BATCH = 32;

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

/** One FETCH on its way. */
interface Fetching {
  client: Client;
  selection: Selection;
  manner: Manner;
}

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
  if (items.every(isImmediate)) await fetchFlags(fetching, uids, items);
  else if (items.every((item) => typeof item === 'string')) await fetchFacts(fetching, uids, items);
  else return fetchBodies(fetching, uids, items);
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

async function fetchFacts({ client, selection, manner }: Fetching, uids: number[], items: FetchItem[]): Promise<void> {
  const plain = items.filter((item) => typeof item === 'string');
  const withModseq = plain.includes('MODSEQ');
  for (let from = 0; from < uids.length && !client.output.closed; from += FACTS_BATCH) {
    let text = '';
    for (const message of selection.box.messages(uids.slice(from, from + FACTS_BATCH))) {
      const sequence = selection.view.sequenceOf(message.uid);
      const flags = selection.box.flags(message.uid);
      if (!flags || sequence === 0) continue;
      if (plain.includes('FLAGS')) told(client, selection, message.uid, flags);
      const dynamic = { flags, modseq: withModseq ? modseqOf(selection, message.uid) : 0 };
      const start = fetchStart(manner, sequence, message.uid);
      text += `${start}${plain.map((item) => plainText(item, message, dynamic, client.utf8)).join(' ')})\r\n`;
    }
    client.output.write(text);
    await client.breathe();
  }
}

async function fetchBodies(fetching: Fetching, uids: number[], items: FetchItem[]): Promise<Refusal | null> {
  const { client, selection, manner } = fetching;
  let failure: Refusal | null = null;
  const marks = items.some((item) => typeof item !== 'string' && item.marksSeen);
  const marked = withChange(items, manner);
  for (let from = 0; from < uids.length && !client.output.closed; from += BODIES_BATCH) {
    const batch = uids.slice(from, from + BODIES_BATCH);
    const changed = marks ? await markSeen(selection.box, batch) : new Set<number>();
    for (const message of [...selection.box.messages(batch)]) {
      failure = (await fetchOne(fetching, message, changed.has(message.uid) ? marked : items)) ?? failure;
      await client.breathe();
      if (client.output.closed) break;
    }
  }
  return failure;
}

/** What the answer for a message that has just become `\Seen` must tell besides (RFC 9051 §6.4.5, RFC 7162 §3.2.4). */
function withChange(items: FetchItem[], { uid, modseq }: Manner): FetchItem[] {
  const dynamic: FetchItem[] = [...(uid && modseq ? ['UID' as const] : []), 'FLAGS', ...(modseq ? ['MODSEQ' as const] : [])];
  return [...items, ...dynamic.filter((item) => !items.includes(item))];
}

/** All contents are at hand before the first octet is written, so that a refusal leaves no half answer. */
async function fetchOne({ client, selection, manner }: Fetching, message: Message, items: FetchItem[]): Promise<Refusal | null> {
  const contents = new Map<BodyItem, Content>();
  try {
    for (const item of items) {
      if (typeof item !== 'string') contents.set(item, contentAtHand(message, item) ?? (await contentOf(selection.box, message, item)));
    }
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  const flags = selection.box.flags(message.uid);
  const sequence = selection.view.sequenceOf(message.uid);
  if (!flags || sequence === 0) return null;
  if (items.includes('FLAGS')) told(client, selection, message.uid, flags);
  const dynamic = { flags, modseq: items.includes('MODSEQ') ? modseqOf(selection, message.uid) : 0 };
  let before = fetchStart(manner, sequence, message.uid);
  for (const item of items) {
    client.output.write(before);
    before = ' ';
    const content = typeof item === 'string' ? undefined : contents.get(item);
    if (typeof item === 'string') client.output.write(plainText(item, message, dynamic, client.utf8));
    else if (content?.kind === 'stream') await writeStream(client.output, item.label, content);
    else if (content) writeContent(client.output, item.label, content);
  }
  client.output.write(')\r\n');
  return null;
}

function told(client: Client, selection: Selection, uid: number, flags: Flags): void {
  selection.announceKeywords(client.output, flags);
  selection.view.flagsTold(uid);
}

function modseqOf(selection: Selection, uid: number): number {
  const modseq = selection.box.modseq(uid);
  selection.modseqTold(modseq);
  return modseq;
}
