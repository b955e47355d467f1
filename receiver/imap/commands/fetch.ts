/**
 * FETCH (RFC 9051 §6.4.5, §7.5.2). Three ways, by what is asked: flags and UIDs from memory, facts from the index,
 * sections from the originals. Items come back in the order asked; a UID FETCH names the UID first. When an original
 * cannot be had now, the others are sent and the tagged answer says so.
 */
import { type Client, type Command, type Completion, SELECTED, selectionOf } from '../client.ts';
import { type Content, contentAtHand, contentOf, writeContent, writeStream } from '../fetch/content.ts';
import { type BodyItem, type FetchItem, readItems } from '../fetch/items.ts';
import { isImmediate, plainText } from '../fetch/plain.ts';
import { markSeen } from '../fetch/seen.ts';
import type { Selection } from '../selection.ts';
import { type Flags, type Message, Refusal } from '../session.ts';
import { Malformed } from '../wire/arguments.ts';

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
    const uids = selection.resolve(args.set(), call.uid);
    args.space();
    const items = readItems(args);
    args.end();
    if (uids === null) throw new Malformed('There is no such message');
    if (call.uid && !items.includes('UID')) items.unshift('UID');
    const failure = await fetchItems(client, selection, uids, items);
    if (failure) throw failure;
    const missing = !call.uid && selection.view.expungePending && uids.some((uid) => !selection.box.flags(uid));
    return { text: 'FETCH completed', expunge: call.uid, ...(missing ? { code: 'EXPUNGEISSUED' } : {}) };
  },
};

/** Why some messages could not be sent, or null. */
async function fetchItems(client: Client, selection: Selection, uids: number[], items: FetchItem[]): Promise<Refusal | null> {
  if (items.every(isImmediate)) await fetchFlags(client, selection, uids, items);
  else if (items.every((item) => typeof item === 'string')) await fetchFacts(client, selection, uids, items);
  else return fetchBodies(client, selection, uids, items);
  return null;
}

/** No promise and no lookup but the flags per message. */
async function fetchFlags(client: Client, selection: Selection, uids: number[], items: ('UID' | 'FLAGS')[]): Promise<void> {
  const { box, view } = selection;
  const { output } = client;
  const known = view.uids;
  const withFlags = items.includes('FLAGS');
  const uidFirst = items[0] === 'UID';
  const both = items.length === 2;
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
      const last = both && !uidFirst ? ` UID ${uid}` : '';
      const first = uidFirst ? `UID ${uid}${both ? ' ' : ''}` : '';
      text += `* ${index + 1} FETCH (${first}${withFlags ? `FLAGS ${flags.text}` : ''}${last})\r\n`;
    }
    output.write(text);
    await client.breathe();
    if (output.closed) return;
  }
}

async function fetchFacts(client: Client, selection: Selection, uids: number[], items: FetchItem[]): Promise<void> {
  const plain = items.filter((item) => typeof item === 'string');
  for (let from = 0; from < uids.length && !client.output.closed; from += FACTS_BATCH) {
    let text = '';
    for (const message of selection.box.messages(uids.slice(from, from + FACTS_BATCH))) {
      const sequence = selection.view.sequenceOf(message.uid);
      const flags = selection.box.flags(message.uid);
      if (!flags || sequence === 0) continue;
      if (plain.includes('FLAGS')) told(client, selection, message.uid, flags);
      text += `* ${sequence} FETCH (${plain.map((item) => plainText(item, message, flags, client.utf8)).join(' ')})\r\n`;
    }
    client.output.write(text);
    await client.breathe();
  }
}

async function fetchBodies(client: Client, selection: Selection, uids: number[], items: FetchItem[]): Promise<Refusal | null> {
  let failure: Refusal | null = null;
  const marks = items.some((item) => typeof item !== 'string' && item.marksSeen);
  for (let from = 0; from < uids.length && !client.output.closed; from += BODIES_BATCH) {
    const batch = uids.slice(from, from + BODIES_BATCH);
    const changed = marks ? await markSeen(selection.box, batch) : new Set<number>();
    for (const message of [...selection.box.messages(batch)]) {
      const asked: FetchItem[] = changed.has(message.uid) && !items.includes('FLAGS') ? [...items, 'FLAGS'] : items;
      failure = (await fetchOne(client, selection, message, asked)) ?? failure;
      await client.breathe();
      if (client.output.closed) break;
    }
  }
  return failure;
}

/** All contents are at hand before the first octet is written, so that a refusal leaves no half answer. */
async function fetchOne(client: Client, selection: Selection, message: Message, items: FetchItem[]): Promise<Refusal | null> {
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
  let before = `* ${sequence} FETCH (`;
  for (const item of items) {
    client.output.write(before);
    before = ' ';
    const content = typeof item === 'string' ? undefined : contents.get(item);
    if (typeof item === 'string') client.output.write(plainText(item, message, flags, client.utf8));
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
