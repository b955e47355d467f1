import { expect, test } from 'vitest';
import { fromBase64Url, toBase64Url } from '../../../shared/web-push/base64url.ts';
import { encryptPush, importClientKey, PLAINTEXT_MAX, topicOf } from '../../../shared/web-push/encryption.ts';
import { decryptPush, makeClient } from '../../support/push-client.ts';

const octets = (text: string) => fromBase64Url(text) ?? new Uint8Array();

test('the example of RFC 8291 section 5 comes out octet for octet', async () => {
  const [d, point] = [
    'yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw',
    'BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8',
  ];
  const coordinates = { x: toBase64Url(octets(point).slice(1, 33)), y: toBase64Url(octets(point).slice(33)) };
  const jwk = { kty: 'EC', crv: 'P-256', ...coordinates };
  const algorithm = { name: 'ECDH', namedCurve: 'P-256' };
  const pair = {
    privateKey: await crypto.subtle.importKey('jwk', { ...jwk, d }, algorithm, false, ['deriveBits']),
    publicKey: await crypto.subtle.importKey('jwk', jwk, algorithm, true, []),
  };
  const body = await encryptPush(
    'When I grow up, I want to be a watermelon',
    {
      p256dh: octets('BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4'),
      auth: octets('BTBZMqHH6r4Tts7J_aSIgg'),
    },
    { pair, salt: octets('DGv6ra1nlYgDCS1FRnbzlw') },
  );
  expect(toBase64Url(body)).toBe(
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
  );
});

test('what is encrypted can be read with the private key, never looks the same twice, and fits a push', async () => {
  const client = await makeClient();
  const text = `ü${'x'.repeat(PLAINTEXT_MAX - 2)}`;
  const [one, two] = [await encryptPush(text, client.raw), await encryptPush(text, client.raw)];
  expect(await decryptPush(one, client)).toBe(text);
  expect(toBase64Url(one)).not.toBe(toBase64Url(two));
  expect(one.length).toBeLessThanOrEqual(4096);
  await expect(encryptPush(`${text}x`, client.raw)).rejects.toThrow(RangeError);
});

test('what is no point of the curve is no key', async () => {
  const { raw } = await makeClient();
  expect(await importClientKey(raw.p256dh)).not.toBeNull();
  expect(await importClientKey(raw.p256dh.slice(1))).toBeNull();
  expect(await importClientKey(new Uint8Array(65).fill(4))).toBeNull();
  expect(await importClientKey(new Uint8Array(65))).toBeNull();
});

test('a topic is short, says nothing, and is the same for the same types', async () => {
  expect(await topicOf('Email,Mailbox')).toMatch(/^[A-Za-z0-9_-]{32}$/);
  expect(await topicOf('Email,Mailbox')).toBe(await topicOf('Email,Mailbox'));
  expect(await topicOf('Email')).not.toBe(await topicOf('Mailbox'));
});

test('base64url is read with padding and without, and nothing else is', () => {
  expect([fromBase64Url('_-8'), fromBase64Url('_-8='), fromBase64Url('')]).toEqual([
    Uint8Array.of(255, 239),
    Uint8Array.of(255, 239),
    new Uint8Array(),
  ]);
  for (const wrong of ['a', '+/', 'ab cd', 'ä', '=a']) expect(fromBase64Url(wrong)).toBeNull();
});
