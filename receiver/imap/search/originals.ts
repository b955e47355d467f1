/**
 * The text of a message for SEARCH TEXT and BODY (RFC 9051 §6.4.4): headers and text parts, decoded from their transfer
 * encoding and charset (RFC 9051 says servers should), of the parts and of enclosed messages. Attachments are not read.
 */
import { decodeText } from '../../../shared/mime/charset.ts';
import type { Part } from '../../../shared/mime/index-types.ts';
import { rawParameter } from '../../../shared/mime/parameters.ts';
import { decodeTransfer } from '../../../shared/mime/transfer.ts';
import type { Message, SelectedMailbox } from '../session.ts';
import { latin1 } from '../wire/bytes.ts';
import { decodedHeader, fold, type OriginalText } from './match.ts';

/** A message up to this size is read in one piece, a larger one part by part. */
const WHOLE_MAX = 256 * 1024;
/** Octets of text parts looked through in one message; what a person wrote is far below it. */
const SEARCHED_MAX = 8 * 1024 * 1024;

type Reader = (from: number, to: number) => Promise<Uint8Array>;

export async function readOriginal(box: SelectedMailbox, message: Message): Promise<OriginalText> {
  const read = await readerOf(box, message);
  const { structure } = message;
  const block = latin1(await read(structure.headerStart, structure.bodyStart));
  const body: string[] = [];
  let left = SEARCHED_MAX;
  for (const part of [structure, ...descendants(structure)]) {
    if (part !== structure && part.bodyStart > part.headerStart) {
      body.push(fold(decodedHeader(latin1(await read(part.headerStart, part.bodyStart)))));
    }
    if (part.children || part.type !== 'text' || left <= 0) continue;
    const end = Math.min(part.end, part.bodyStart + left);
    left -= end - part.bodyStart;
    body.push(fold(textOf(part, await read(part.bodyStart, end))));
  }
  return { block, header: fold(decodedHeader(block)), body };
}

async function readerOf(box: SelectedMailbox, message: Message): Promise<Reader> {
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
