/**
 * How a call with a body travels between receiver and Worker: one frame, which is a 4-octet big-endian length, that many octets of JSON
 * (the frame header), then the payloads the header lists, one after the other. The signature (`signing.ts`) covers the header, and the
 * header names each payload's length and SHA-256, so a 50 MB message is authenticated without being hashed twice.
 */

/** Octets of JSON in a frame header: 32 indexes of the largest size. */
export const FRAME_HEADER_MAX = 12 * 1024 * 1024;

/** Builds the octets before the payloads: length and JSON header. */
export function encodeFrameHeader(header: unknown): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const frame = new Uint8Array(4 + json.length);
  new DataView(frame.buffer).setUint32(0, json.length);
  frame.set(json, 4);
  return frame;
}

/** A frame's JSON header, the octets it was read from (they are what is signed) and the payloads after it. */
export interface Frame {
  header: unknown;
  headerBytes: Uint8Array;
  payload: Uint8Array;
}

/** Splits a whole frame; null when it is not one. */
export function decodeFrame(frame: Uint8Array): Frame | null {
  if (frame.length < 4) return null;
  const length = new DataView(frame.buffer, frame.byteOffset, frame.byteLength).getUint32(0);
  if (length > FRAME_HEADER_MAX || 4 + length > frame.length) return null;
  const headerBytes = frame.subarray(4, 4 + length);
  try {
    const header: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(headerBytes));
    return { header, headerBytes, payload: frame.subarray(4 + length) };
  } catch {
    return null;
  }
}
