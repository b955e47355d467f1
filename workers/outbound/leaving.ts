/**
 * A message as it leaves: the stored original without its Bcc fields (RFC 5322 §3.6.3). The header is cut in
 * memory, the body streams from R2 untouched, so a 50 MB message never lies in the Worker.
 */
import { headerFieldRanges } from '../../shared/mime/headers.ts';
import { byteString } from '../../shared/mime/octets.ts';
import type { Envelope } from '../../shared/protocol.ts';
import type { MailStore } from '../store/mail/types.ts';

/** Headers longer than this are nobody's mail; what lies beyond counts as body. */
const HEADER_MAX = 1024 * 1024;

export interface LeavingMessage {
  /** Unique for ever and the same at every attempt: the relay's idempotency key. */
  id: string;
  /** When it was to be sent, epoch milliseconds. */
  at: number;
  envelope: Envelope;
  /** The header section without Bcc, the empty line included. */
  header: Uint8Array;
  /** Octets of header and body together. */
  size: number;
  /** The body's octets; each call reads anew. */
  body(): Promise<ReadableStream<Uint8Array>>;
  /** Octets of the body; offsets count from the first octet of the message as it leaves. */
  range(offset: number, length: number): Promise<Uint8Array>;
}

/** Reads the header and prepares the rest. Null when the original is not there. */
export async function openLeaving(
  store: MailStore,
  sha256: string,
  { id, at, envelope }: Pick<LeavingMessage, 'id' | 'at' | 'envelope'>,
): Promise<LeavingMessage | null> {
  const start = await store.getBlob(sha256, { offset: 0, length: HEADER_MAX });
  if (!start) return null;
  const head = new Uint8Array(await new Response(start.body).arrayBuffer());
  const bodyStart = findBody(head);
  const header = withoutFields(head.subarray(0, bodyStart), ['bcc', 'resent-bcc']);
  const bodySize = start.size - bodyStart;
  return {
    id,
    at,
    envelope,
    header,
    size: header.length + bodySize,
    async body() {
      if (bodySize === 0) return new Blob([]).stream();
      const rest = await store.getBlob(sha256, { offset: bodyStart, length: bodySize });
      if (!rest) throw new Error(`original ${sha256} vanished while it was being sent`);
      return rest.body;
    },
    async range(offset, length) {
      if (length === 0) return new Uint8Array();
      const part = await store.getBlob(sha256, { offset: offset - header.length + bodyStart, length });
      if (!part) throw new Error(`original ${sha256} vanished while it was being sent`);
      return new Uint8Array(await new Response(part.body).arrayBuffer());
    },
  };
}

/** Header, then body, as they are read. (workerd cannot pipe one transform stream into another.) */
export async function* leavingChunks(message: LeavingMessage): AsyncGenerator<Uint8Array> {
  yield message.header;
  yield* await message.body();
}

/** Writes all of `prefix` and the message into `writable` and closes it. */
export async function writeLeaving(writable: WritableStream<Uint8Array>, prefix: Uint8Array, message: LeavingMessage): Promise<void> {
  const writer = writable.getWriter();
  await writer.write(prefix);
  for await (const chunk of leavingChunks(message)) await writer.write(chunk);
  await writer.close();
}

/** Index of the first octet after the empty line; the whole length when there is none. */
function findBody(octets: Uint8Array): number {
  for (let i = 0; i < octets.length; i++) {
    if (octets[i] !== 10) continue;
    if (i === 0 || (i === 1 && octets[0] === 13)) return i + 1;
    if (octets[i + 1] === 10) return i + 2;
    if (octets[i + 1] === 13 && octets[i + 2] === 10) return i + 3;
  }
  return octets.length;
}

function withoutFields(header: Uint8Array, names: string[]): Uint8Array {
  const kept: Uint8Array[] = [];
  let position = 0;
  for (const { start, end } of headerFieldRanges(byteString(header), names)) {
    kept.push(header.subarray(position, start));
    position = end;
  }
  kept.push(header.subarray(position));
  const result = new Uint8Array(kept.reduce((length, piece) => length + piece.length, 0));
  let offset = 0;
  for (const piece of kept) {
    result.set(piece, offset);
    offset += piece.length;
  }
  return result;
}
