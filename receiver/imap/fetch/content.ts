/**
 * The octets behind a body item (RFC 9051 §6.4.5): read from the original as one range, cut to the partial asked for,
 * decoded for BINARY (RFC 3516), streamed when large. A section that is not there is NIL; a partial behind the end is
 * the empty string.
 */

import { partAt } from '../../../shared/mime/structure.ts';
import { decodeTransfer } from '../../../shared/mime/transfer.ts';
import { BrokenAnswer } from '../client.ts';
import type { Output } from '../output.ts';
import { type Message, Refusal, type SelectedMailbox } from '../session.ts';
import { latin1 } from '../wire/bytes.ts';
import type { BodyItem, Partial } from './items.ts';
import { locate } from './section.ts';

/** Above this an original is streamed through instead of being read whole. */
const STREAM_MIN = 256 * 1024;
/** A part that BINARY decodes is held in memory: beyond this the client is told to fetch it encoded. */
const DECODE_MAX = 64 * 1024 * 1024;
const IDENTITY = new Set(['7bit', '8bit', 'binary', '']);

interface Range {
  offset: number;
  length: number;
}

export interface StreamContent {
  kind: 'stream';
  length: number;
  first: IteratorResult<Uint8Array>;
  /** The caller ends it, read to its end or not. */
  rest: AsyncIterator<Uint8Array>;
  binary: boolean;
}
/** Ready to be written; nothing that can fail before its first octet is left. */
export type Content =
  | { kind: 'nil' }
  | { kind: 'number'; value: number }
  | { kind: 'text'; text: string }
  | { kind: 'bytes'; bytes: Uint8Array; binary: boolean }
  | StreamContent;
/** A section that is not there. */
export const NOTHING: Content = { kind: 'nil' };

/**
 * The content when the index or the disk has it, without a promise; null when it must be waited for. Octets are to be written before
 * another message is looked at: they lie where those of the next will.
 */
export function contentAtHand(box: SelectedMailbox, message: Message, item: BodyItem): Content | null {
  if (item.kind !== 'body') return null;
  const source = locate(message, item.section);
  if (!source) return NOTHING;
  if (source.kind === 'text') return { kind: 'text', text: cutText(source.text, item.partial) };
  const range = source.fields ? source : cutRange(source, item.partial);
  if (range.length === 0 || range.length >= STREAM_MIN) return null;
  const bytes = box.readNow?.(message, range);
  if (!bytes) return null;
  return source.fields
    ? { kind: 'text', text: cutText(source.fields(latin1(bytes)), item.partial) }
    : { kind: 'bytes', bytes, binary: false };
}

/** Octets of its own. Throws Refusal when the original cannot be had now. */
export async function contentOf(box: SelectedMailbox, message: Message, item: BodyItem): Promise<Content> {
  if (item.kind !== 'body') return decodedContent(box, message, item);
  const source = locate(message, item.section);
  if (!source) return NOTHING;
  if (source.kind === 'text') return { kind: 'text', text: cutText(source.text, item.partial) };
  if (!source.fields) return rangeContent(box, message, cutRange(source, item.partial), false);
  return { kind: 'text', text: cutText(source.fields(latin1(await box.read(message, source))), item.partial) };
}

async function rangeContent(box: SelectedMailbox, message: Message, range: Range, binary: boolean): Promise<Content> {
  if (range.length === 0) return { kind: 'text', text: '' };
  if (range.length < STREAM_MIN) return { kind: 'bytes', bytes: await box.read(message, range), binary };
  const rest = box.stream(message, range)[Symbol.asyncIterator]();
  return { kind: 'stream', length: range.length, first: await rest.next(), rest, binary };
}

async function decodedContent(box: SelectedMailbox, message: Message, item: BodyItem): Promise<Content> {
  const source = locate(message, item.section);
  // A size is a number by the grammar (RFC 9051 §9), of nothing too.
  if (source?.kind !== 'range') return item.kind === 'binarySize' ? { kind: 'number', value: 0 } : NOTHING;
  const part = item.section.part.length === 0 ? undefined : partAt(message.structure, item.section.part.join('.'));
  const encoding = part && !part.children ? part.encoding : '';
  if (IDENTITY.has(encoding)) {
    if (item.kind === 'binarySize') return { kind: 'number', value: source.length };
    return rangeContent(box, message, cutRange(source, item.partial), true);
  }
  if (encoding !== 'base64' && encoding !== 'quoted-printable')
    throw new Refusal('UNKNOWN-CTE', 'The part has an unknown transfer encoding');
  if (source.length > DECODE_MAX) throw new Refusal('TOOBIG', 'The part is too large to be decoded here');
  const bytes = decodeTransfer(await box.read(message, source), encoding);
  if (item.kind === 'binarySize') return { kind: 'number', value: bytes.length };
  return { kind: 'bytes', bytes: item.partial ? cutBytes(bytes, item.partial) : bytes, binary: true };
}

/**
 * `label content` as far as it is text: of octets and streams only the literal's beginning. The NULs of a stream nobody has seen yet:
 * BINARY's is always a literal8, which may hold them (RFC 9051 §4.3.1).
 */
export function contentText(label: string, content: Content): string {
  switch (content.kind) {
    case 'nil':
      return `${label} NIL`;
    case 'number':
      return `${label} ${content.value}`;
    case 'text':
      return `${label} {${content.text.length}}\r\n${content.text}`;
    case 'bytes':
      return `${label} ${content.binary && content.bytes.includes(0) ? '~' : ''}{${content.bytes.length}}\r\n`;
    case 'stream':
      return `${label} ${content.binary ? '~' : ''}{${content.length}}\r\n`;
  }
}

/** The octets of a literal. One that breaks off in the middle throws: the client cannot be brought back in step. */
export async function writeStream(output: Output, content: StreamContent): Promise<void> {
  let left = content.length;
  for (let step = content.first; !step.done && left > 0; step = await nextChunk(content.rest)) {
    const chunk = step.value.subarray(0, left);
    left -= chunk.length;
    output.bytes(chunk);
    if (output.full) await output.drained();
    if (output.closed) break;
  }
  if (left > 0 && !output.closed) throw new BrokenAnswer(`an original broke off ${left} octets before its end`);
}

/** What would be a refusal before the first octet is a broken answer after it. */
async function nextChunk(chunks: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
  try {
    return await chunks.next();
  } catch (error) {
    throw new BrokenAnswer(`an original broke off: ${error instanceof Error ? error.message : error}`);
  }
}

function cutRange({ offset, length }: Range, partial: Partial | null): Range {
  if (!partial) return { offset, length };
  const skipped = Math.min(partial.offset, length);
  return { offset: offset + skipped, length: Math.min(partial.count, length - skipped) };
}

function cutText(text: string, partial: Partial | null): string {
  return partial ? text.slice(partial.offset, partial.offset + partial.count) : text;
}

function cutBytes(bytes: Uint8Array, { offset, count }: Partial): Uint8Array {
  return bytes.subarray(offset, offset + count);
}
