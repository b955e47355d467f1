/**
 * FETCH (RFC 9051 §6.4.5, §7.5.2). Three ways, by what is asked: flags, UIDs and mod-sequences from memory, facts from the index,
 * sections from the originals. Items come back in the order asked; a UID FETCH names the UID first. When an original
 * cannot be had now, the others are sent and the tagged answer says so. CHANGEDSINCE and VANISHED: RFC 7162.
 */
import { requireItems } from '../capabilities.ts';
import { type Client, type Command, type Completion, SELECTED, selectionOf } from '../client.ts';
import { type Content, contentAtHand, contentOf, contentText, NOTHING, type StreamContent, writeStream } from '../fetch/content.ts';
import { type FetchItem, readItems } from '../fetch/items.ts';
import { readModifiers } from '../fetch/modifiers.ts';
import { type Immediate, isImmediate, plainText } from '../fetch/plain.ts';
import { markSeen } from '../fetch/seen.ts';
import { becomeAware, fetchStart, type Manner, mannerOf } from '../manner.ts';
import type { Output } from '../output.ts';
import { partOf } from '../search/results.ts';
import type { Selection } from '../selection.ts';
import { type Flags, type Message, Refusal, type SelectedMailbox } from '../session.ts';
import { earlierLines, knownRanges } from '../vanished.ts';
import { Malformed } from '../wire/arguments.ts';
import type { SequenceSet } from '../wire/sets.ts';

/** Messages between two looks at the clock and at the client's reading. */
const FLAGS_BATCH = 512;
const TURN_BATCH = 64;
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

/** No promise for a message whose items are at hand. */
async function sendMessages(fetching: Fetching, uids: number[], itemsOf: (uid: number) => FetchItem[]): Promise<Refusal | null> {
  const { client, selection } = fetching;
  let failure: Refusal | null = null;
  let sent = 0;
  for (const message of selection.box.messages(uids)) {
    const items = itemsOf(message.uid);
    try {
      const contents = contentsAtHand(selection.box, message, items);
      if (contents) for (const piece of answerOf(fetching, message, items, contents)) writePiece(client.output, piece);
      else await sendAwaited(fetching, message, items);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      failure = error;
    }
    sent += 1;
    if (client.output.full || sent % TURN_BATCH === 0) await client.breathe();
    if (client.output.closed) break;
  }
  return failure;
}

/** The contents of the items that have one, in their order; null when one must be waited for. */
function contentsAtHand(box: SelectedMailbox, message: Message, items: FetchItem[]): Content[] | null {
  const contents: Content[] = [];
  for (const item of items) {
    if (typeof item === 'string') continue;
    const content = contentAtHand(box, message, item);
    if (!content) return null;
    contents.push(content);
  }
  return contents;
}

/** What was opened is closed, whatever comes between. */
async function sendAwaited(fetching: Fetching, message: Message, items: FetchItem[]): Promise<void> {
  const { box } = fetching.selection;
  const { output } = fetching.client;
  const contents: Content[] = [];
  try {
    for (const item of items) {
      if (typeof item !== 'string') contents.push(await contentOf(box, message, item));
    }
    for (const piece of answerOf(fetching, message, items, contents)) {
      if (isStream(piece)) await writeStream(output, piece);
      else writePiece(output, piece);
    }
  } finally {
    for (const content of contents) if (content.kind === 'stream') await content.rest.return?.();
  }
}

type Piece = string | Uint8Array | StreamContent;

function isStream(piece: Piece): piece is StreamContent {
  return typeof piece !== 'string' && 'kind' in piece;
}

function writePiece(output: Output, piece: Piece): void {
  if (typeof piece === 'string') output.write(piece);
  else if (piece instanceof Uint8Array) output.bytes(piece);
}

/**
 * The answer for one message; nothing when it is gone. All of it is known before its first octet is written, so that a refusal leaves
 * no half answer.
 */
function answerOf({ client, selection, manner }: Fetching, message: Message, items: FetchItem[], contents: Content[]): Piece[] {
  const flags = selection.box.flags(message.uid);
  const sequence = selection.view.sequenceOf(message.uid);
  if (!flags || sequence === 0) return [];
  const dynamic = { flags, modseq: items.includes('MODSEQ') ? modseqOf(selection, message.uid) : 0 };
  const pieces: Piece[] = [];
  const left = contents.values();
  let text = fetchStart(manner, sequence, message.uid);
  for (const item of items) {
    if (item !== items[0]) text += ' ';
    if (typeof item === 'string') {
      text += plainText(item, message, dynamic, client.utf8);
      continue;
    }
    const content = left.next().value ?? NOTHING;
    text += contentText(item.label, content);
    if (content.kind !== 'bytes' && content.kind !== 'stream') continue;
    pieces.push(text, content.kind === 'bytes' ? content.bytes : content);
    text = '';
  }
  pieces.push(`${text})\r\n`);
  if (items.includes('FLAGS')) told(client, selection, message.uid, flags);
  return pieces;
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
