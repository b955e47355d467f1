/**
 * A message as it leaves: the stored original without Bcc (RFC 5322 §3.6.3) and without what only a receiver may say of
 * it, with Date and Message-ID when it has none (RFC 6409 §8). The header is made in memory, the body streams from R2
 * untouched, so a 60 MB message never lies in the Worker; a small one is read once.
 */
import { parseAddress } from '../../shared/address.ts';
import { mailboxesOf, parseAddressList } from '../../shared/mime/addresses.ts';
import { formatDate } from '../../shared/mime/date.ts';
import { type HeaderField, headerValue, parseHeaderBlock } from '../../shared/mime/headers.ts';
import { byteString, concatOctets } from '../../shared/mime/octets.ts';
import type { Envelope } from '../../shared/protocol.ts';
import type { MailStore } from '../store/mail/types.ts';
import { readHeader, withoutFields } from './header.ts';

/** Bcc is nobody else's business; Return-Path and verdicts are written by who delivers (RFC 5321 §4.4, RFC 8601 §5). */
const STAYING_FIELDS: ReadonlySet<string> = new Set(['bcc', 'resent-bcc', 'return-path', 'authentication-results']);

export interface LeavingMessage {
  /** Unique for ever and the same at every attempt: the relay's idempotency key. */
  id: string;
  /** When it was to be sent, epoch milliseconds. */
  at: number;
  envelope: Envelope;
  /** The header section as it leaves, the empty line included. */
  header: Uint8Array;
  /** Octets of header and body together. */
  size: number;
  /** The body's octets; each call reads anew, a small body from memory. */
  body(): Promise<ReadableStream<Uint8Array>>;
}

/** Reads the header and prepares the rest: one R2 read. Null when the original is not there, or its header too long. */
export async function openLeaving(
  store: MailStore,
  sha256: string,
  { id, at, envelope }: Pick<LeavingMessage, 'id' | 'at' | 'envelope'>,
): Promise<LeavingMessage | null> {
  const original = await readHeader(store, sha256);
  if (!original?.header) return null;
  const bodyStart = original.header.length;
  const bodySize = original.size - bodyStart;
  const header = completed(leavingHeader(original.header), { id, at, envelope });
  const small = original.head.length === original.size ? original.head.slice(bodyStart) : null;
  return {
    id,
    at,
    envelope,
    header,
    size: header.length + bodySize,
    async body() {
      if (small) return new Blob([small]).stream();
      const rest = await store.getBlob(sha256, { offset: bodyStart, length: bodySize });
      if (!rest) throw new Error(`original ${sha256} vanished while it was being sent`);
      return rest.body;
    },
  };
}

/** A stored header without the fields that stay here. */
export function leavingHeader(header: Uint8Array): Uint8Array {
  return withoutFields(header, STAYING_FIELDS);
}

/** Header, then body, as they are read. */
export async function* leavingChunks(message: LeavingMessage): AsyncGenerator<Uint8Array> {
  yield message.header;
  yield* await message.body();
}

/** Writes all of `prefix` and the message into `writable` and closes it; when the message cannot be read, the reader learns it. */
export async function writeLeaving(writable: WritableStream<Uint8Array>, prefix: Uint8Array, message: LeavingMessage): Promise<void> {
  const writer = writable.getWriter();
  try {
    await writer.write(prefix);
    for await (const chunk of leavingChunks(message)) await writer.write(chunk);
    await writer.close();
  } catch (error) {
    await writer.abort(error).catch(() => {}); // the reader is gone: its own failure tells
    throw error;
  }
}

/** The first address in From, which the null reverse-path leaves to name the sender. */
function authorOf(fields: readonly HeaderField[]): string {
  return mailboxesOf(parseAddressList(headerValue(fields, 'from') ?? ''))[0]?.email ?? '';
}

function domainOf(email: string): string | undefined {
  return parseAddress(email)?.domain;
}

/** The same at every attempt, like all that leaves. */
function completed(header: Uint8Array, { id, at, envelope }: Pick<LeavingMessage, 'id' | 'at' | 'envelope'>): Uint8Array {
  const fields = parseHeaderBlock(byteString(header));
  const names = new Set(fields.map(({ name }) => name.toLowerCase()));
  const domain = domainOf(envelope.mailFrom) ?? domainOf(authorOf(fields)) ?? 'localhost';
  const added = [
    names.has('date') ? '' : `Date: ${formatDate(at)}\r\n`,
    names.has('message-id') ? '' : `Message-ID: <${at.toString(36)}.${id}@${domain}>\r\n`,
  ].join('');
  return added === '' ? header : concatOctets([new TextEncoder().encode(added), header]);
}
