/**
 * FETCH answers message by message (RFC 9051 §7.5.2): at once where all that is asked for is at hand, waiting for the original where not.
 * A message that cannot be had now is left out and told of in the end; none is half sent.
 */
import type { Client } from '../client.ts';
import { fetchStart, type Manner } from '../manner.ts';
import type { Output } from '../output.ts';
import type { Selection } from '../selection.ts';
import { type Flags, type Message, Refusal, type SelectedMailbox } from '../session.ts';
import { type Content, contentAtHand, contentOf, contentText, NOTHING, type StreamContent, writeStream } from './content.ts';
import type { FetchItem } from './items.ts';
import { plainText } from './plain.ts';

/** Messages between two looks at the clock. */
const TURN_BATCH = 64;

/** One FETCH on its way. */
export interface Fetching {
  client: Client;
  selection: Selection;
  manner: Manner;
}

/** Sends what `itemsOf` wants of each message; answers why some could not be sent, or null. No promise for a message whose items are at hand. */
export async function sendMessages(fetching: Fetching, uids: number[], itemsOf: (uid: number) => FetchItem[]): Promise<Refusal | null> {
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

/** The flags of a message are about to be told; keywords the client has not heard of come first. */
export function told(client: Client, selection: Selection, uid: number, flags: Flags): void {
  selection.announceKeywords(client.output, flags);
  selection.view.flagsTold(uid);
}

/** For telling it. */
export function modseqOf(selection: Selection, uid: number): number {
  const modseq = selection.box.modseq(uid);
  selection.modseqTold(modseq);
  return modseq;
}
