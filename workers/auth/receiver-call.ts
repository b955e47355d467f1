/**
 * A receiver's signed call (shared/signing.ts): protocol version, clock window, key, signature. The
 * signature is checked as soon as the frame header is there, so that nobody without a key makes us hold a
 * message. Replays inside the window do nothing, because every call is idempotent.
 */
import type { Context } from 'hono';
import { decodeFrame, FRAME_HEADER_MAX, type Frame } from '../../shared/frame.ts';
import { HEADER_VERSION, PROTOCOL_VERSION } from '../../shared/protocol.ts';
import { importSigningKey, parseAuthorization, SIGNATURE_WINDOW_MS, verifySignature } from '../../shared/signing.ts';
import type { Env } from '../env.ts';
import { openDirectory } from '../store/directory/index.ts';
import type { Receiver } from '../store/directory/types.ts';
import { BodyBuffer } from './body.ts';
import { problem } from './problem.ts';

export type DoorContext = Context<{ Bindings: Env }>;

/** A Worker has 128 MB: this holds 32 inline messages and their header several times over. */
export const FRAME_MAX = 64 * 1024 * 1024;
/** Octets before the frame header: its length. */
const LENGTH_OCTETS = 4;

/** Octets a door takes: of the frame header, which is read before the signature can be checked, and of the whole frame. */
export interface FrameBounds {
  header: number;
  frame: number;
}

const MAIL_BOUNDS: FrameBounds = { header: FRAME_HEADER_MAX, frame: FRAME_MAX };
const NO_HEADER = new Uint8Array();

interface Claim {
  receiver: Receiver;
  timestamp: number;
  mac: Uint8Array;
}

/** Whether the call claims to be a receiver's; it may still prove to be none. */
export function isReceiverCall(c: DoorContext): boolean {
  return (c.req.header('authorization') ?? '').startsWith('Posthouse ');
}

/** The receiver behind a call whose body, if any, is no frame (GET, `PUT /blob`); the body is not touched. */
export async function readReceiver(c: DoorContext): Promise<Receiver | Response> {
  const claim = await readClaim(c);
  if (claim instanceof Response) return claim;
  return (await isSigned(c, claim, NO_HEADER)) ? claim.receiver : refuse();
}

/** A receiver's call with its frame read and verified, or the answer that refuses it (400, 401, 413, 426). */
export async function readReceiverCall(
  c: DoorContext,
  bounds: FrameBounds = MAIL_BOUNDS,
): Promise<{ receiver: Receiver; frame: Frame } | Response> {
  const claim = await readClaim(c);
  if (claim instanceof Response) return claim;
  const announced = Number(c.req.header('content-length') ?? 0);
  if (announced > bounds.frame) return tooLarge(bounds);
  const body = new BodyBuffer(bounds.frame);
  const reader = c.req.raw.body?.getReader();
  const headerEnd = await readHeader(body, reader, bounds.header);
  if (headerEnd === null) return problem(400, 'The body is no frame.');
  if (!(await isSigned(c, claim, body.octets().subarray(LENGTH_OCTETS, headerEnd)))) {
    await reader?.cancel();
    return refuse();
  }
  body.reserve(announced);
  if (!(await body.readTo(reader, Number.POSITIVE_INFINITY))) return tooLarge(bounds);
  const frame = decodeFrame(body.octets());
  return frame ? { receiver: claim.receiver, frame } : problem(400, 'The frame header is no JSON.');
}

/** Where the frame header ends, once it is read; null when there is no such header. */
async function readHeader(
  body: BodyBuffer,
  reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
  max: number,
): Promise<number | null> {
  await body.readTo(reader, LENGTH_OCTETS);
  if (body.length < LENGTH_OCTETS) return null;
  const octets = body.octets();
  const end = LENGTH_OCTETS + new DataView(octets.buffer, octets.byteOffset, octets.byteLength).getUint32(0);
  if (end > LENGTH_OCTETS + max) return null;
  await body.readTo(reader, end);
  return body.length < end ? null : end;
}

/** Who the call says it is, if that receiver exists and the clock fits. */
async function readClaim(c: DoorContext): Promise<Claim | Response> {
  if (c.req.header(HEADER_VERSION) !== String(PROTOCOL_VERSION)) {
    return problem(426, `This edge speaks version ${PROTOCOL_VERSION} of the protocol; update the receiver or the Worker.`, {
      [HEADER_VERSION]: String(PROTOCOL_VERSION),
    });
  }
  const authorization = parseAuthorization(c.req.header('authorization'));
  if (!authorization) return refuse();
  if (Math.abs(Date.now() - authorization.timestamp) > SIGNATURE_WINDOW_MS) return refuse();
  const receiver = await openDirectory(c.env).receiver(authorization.receiver);
  return receiver ? { receiver, timestamp: authorization.timestamp, mac: authorization.mac } : refuse();
}

async function isSigned(c: DoorContext, claim: Claim, header: Uint8Array): Promise<boolean> {
  const { pathname, search } = new URL(c.req.url);
  const request = { method: c.req.method, path: pathname + search, timestamp: claim.timestamp, header };
  return verifySignature(await importSigningKey(claim.receiver.key), claim.mac, request);
}

function tooLarge({ frame }: FrameBounds): Response {
  return problem(413, `A frame may have ${frame} octets here; put large messages by PUT /blob first.`);
}

/** One answer for every reason; the receiver corrects its clock by `Date` and tries once more. */
function refuse(): Response {
  return problem(401, 'The signature is missing, wrong, of another time, or of an unknown or revoked receiver.', {
    date: new Date().toUTCString(),
  });
}
