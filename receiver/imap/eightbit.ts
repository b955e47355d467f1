/**
 * Whether a message to be stored has 8-bit characters in its header fields (RFC 6532): RFC 6855 §4 lets only clients store it that
 * have said they can read it. Found out from the octets at its beginning, in memory or in the file of a large literal.
 */
import { open } from 'node:fs/promises';
import { HEADER_OCTETS_MAX } from '../../shared/mime/scan.ts';
import { eachField } from './headerlines.ts';
import type { AppendMessage } from './session.ts';
import { isAscii, latin1 } from './wire/bytes.ts';

/** Looks at as much of the header as the index does. */
export async function hasEightBitHeader(body: AppendMessage['body']): Promise<boolean> {
  const block = latin1(body instanceof Uint8Array ? body.subarray(0, HEADER_OCTETS_MAX) : await beginningOf(body.path));
  if (isAscii(block)) return false;
  let found = false;
  eachField(block, (_name, start, end) => {
    found ||= !isAscii(block.slice(start, end));
  });
  return found;
}

async function beginningOf(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(HEADER_OCTETS_MAX), 0, HEADER_OCTETS_MAX, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
