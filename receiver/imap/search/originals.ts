/**
 * Originals for SEARCH: how many of them one search may read, and what of them is text (RFC 9051 §6.4.4): headers and text parts,
 * decoded from their transfer encoding and charset, of the parts and of enclosed messages. Attachments are not read.
 */
import { casemap } from '../../../shared/casemap.ts';
import { decodeText } from '../../../shared/mime/charset.ts';
import type { Part } from '../../../shared/mime/index-types.ts';
import { rawParameter } from '../../../shared/mime/parameters.ts';
import { decodeTransfer } from '../../../shared/mime/transfer.ts';
import { decodeWords } from '../../../shared/mime/words.ts';
import { eachField } from '../headerlines.ts';
import { type Message, Refusal, type SelectedMailbox } from '../session.ts';
import { latin1 } from '../wire/bytes.ts';
import type { MessageText } from './columns.ts';
import { batches, type Scope } from './evaluate.ts';
import type { Uids } from './uids.ts';

/** Messages, and octets of them, that one key may fetch and read: half a minute over an ordinary line. */
export interface ReadLimits {
  messages: number;
  octets: number;
}
export const READ_LIMITS: ReadLimits = { messages: 10_000, octets: 256 * 1024 * 1024 };
/** Originals read at once: they come over the network when they are not on disk. */
const READS = 8;
/** Messages whose facts are held meanwhile. */
const READ_BATCH = 64;
/** A message up to this size is read in one piece, a larger one part by part. */
export const WHOLE_MAX = 256 * 1024;
/** Octets of text parts looked through in one message; what a person wrote is far below it. */
const SEARCHED_MAX = 8 * 1024 * 1024;

type Reader = (from: number, to: number) => Promise<Uint8Array>;

/** Few enough and small enough to be read for one key. */
export async function isReadable({ box, pause, limits }: Scope, uids: Uids): Promise<boolean> {
  if (uids.length > limits.messages) return false;
  let octets = 0;
  for (const some of batches(uids)) {
    for (const row of box.columns(['size'], some)) octets += Math.min(row?.[0] ?? 0, SEARCHED_MAX);
    await pause();
  }
  return octets <= limits.octets;
}

/** The same as a refusal, where nothing else can answer. */
export async function assertReadable(scope: Scope, uids: Uids): Promise<void> {
  if (!(await isReadable(scope, uids))) throw new Refusal('LIMIT', 'Too many messages to read for one search: narrow it down');
}

/** Calls `work` with each message, some at a time. */
export async function eachMessage(scope: Scope, uids: Uids, work: (message: Message) => Promise<void>): Promise<void> {
  for (let from = 0; from < uids.length; from += READ_BATCH) {
    const messages = [...scope.box.messages(uids.subarray(from, from + READ_BATCH))];
    for (let at = 0; at < messages.length; at += READS) {
      await Promise.all(messages.slice(at, at + READS).map(work));
      await scope.pause();
      scope.progress(from + at, uids.length);
    }
  }
}

/** Casemapped. The fields of parts and of enclosed messages are header as well: BODY does not look at them, TEXT does (RFC 9051 §6.4.4). */
export async function decodedText(box: Pick<SelectedMailbox, 'read'>, message: Message): Promise<MessageText> {
  const read = await readerOf(box, message);
  const { structure } = message;
  const header: string[] = [];
  const body: string[] = [];
  let left = SEARCHED_MAX;
  for (const part of [structure, ...descendants(structure)]) {
    if (part.bodyStart > part.headerStart) header.push(decodedHeader(latin1(await read(part.headerStart, part.bodyStart))));
    if (part.children || part.type !== 'text' || left <= 0) continue;
    const end = Math.min(part.end, part.bodyStart + left);
    left -= end - part.bodyStart;
    body.push(casemap(textOf(part, await read(part.bodyStart, end))));
  }
  return { header: casemap(header.join('\n')), body };
}

async function readerOf(box: Pick<SelectedMailbox, 'read'>, message: Message): Promise<Reader> {
  if (message.size > WHOLE_MAX)
    return async (from, to) => (to > from ? box.read(message, { offset: from, length: to - from }) : new Uint8Array());
  const whole = await box.read(message);
  return async (from, to) => whole.subarray(from, to);
}

function* descendants(part: Part): Iterable<Part> {
  for (const child of part.children ?? []) {
    yield child;
    yield* descendants(child);
  }
}

function textOf(part: Part, bytes: Uint8Array): string {
  const text = decodeText(decodeTransfer(bytes, part.encoding), rawParameter(part.parameters, 'charset') ?? 'us-ascii');
  // A line break must not hide a phrase that the writer's program folded.
  return text.includes('\r') ? text.replaceAll('\r\n', '\n') : text;
}

/** Fields as a person reads them, one per line. */
function decodedHeader(block: string): string {
  const lines: string[] = [];
  eachField(block, (start, _nameEnd, end) => lines.push(decodeWords(block.slice(start, end).replace(/\r?\n/g, ''))));
  return lines.join('\n');
}
