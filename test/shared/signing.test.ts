import { expect, test } from 'vitest';
import { decodeFrame, encodeFrameHeader } from '../../shared/frame.ts';
import { importSigningKey, parseAuthorization, signRequest, verifySignature } from '../../shared/signing.ts';

const secret = new Uint8Array(32).fill(7);
const request = { method: 'POST', path: '/ingest?x=1', timestamp: 1_700_000_000_000, header: new TextEncoder().encode('{}') };

test('a signature verifies for its own request and for no other', async () => {
  const key = await importSigningKey(secret);
  const parsed = parseAuthorization(await signRequest(key, 3, request));
  if (!parsed) throw new Error('not parsed');
  expect(parsed.receiver).toBe(3);
  expect(await verifySignature(key, parsed.mac, request)).toBe(true);
  for (const change of [{ method: 'GET' }, { path: '/ingest?x=2' }, { timestamp: 1 }, { header: new Uint8Array(1) }]) {
    expect(await verifySignature(key, parsed.mac, { ...request, ...change })).toBe(false);
  }
});

test('what is no authorization header of ours is null', () => {
  for (const value of [undefined, '', 'Bearer x', 'Posthouse 1:2', `Posthouse a:1:${'0'.repeat(64)}`])
    expect(parseAuthorization(value)).toBeNull();
});

test('a frame splits into what it was made of; anything else is null', () => {
  const head = encodeFrameHeader({ a: 'ü' });
  const frame = new Uint8Array([...head, 1, 2, 3]);
  const decoded = decodeFrame(frame);
  expect(decoded?.header).toEqual({ a: 'ü' });
  expect([...(decoded?.payload ?? [])]).toEqual([1, 2, 3]);
  for (const bad of [new Uint8Array(3), new Uint8Array([255, 255, 255, 255]), new Uint8Array([0, 0, 0, 1, 0x7b])])
    expect(decodeFrame(bad)).toBeNull();
});
