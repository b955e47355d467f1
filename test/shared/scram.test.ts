import { expect, test } from 'vitest';
import {
  answerClientFinal,
  answerClientFirst,
  answerServerFirst,
  clientFirstBare,
  equalOctets,
  fakeSalt,
  fromBase64,
  makeVerifier,
  parseClientFinal,
  parseClientFirstBare,
  parseServerFirst,
  preparePassword,
  SALT_OCTETS,
} from '../../shared/scram.ts';

/** RFC 7677 §3, user `user`, password `pencil`. */
const vector = {
  clientFirst: 'n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal: 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};

function octets(base64: string): Uint8Array {
  const bytes = fromBase64(base64);
  if (!bytes) throw new Error(`no base64: ${base64}`);
  return bytes;
}

test('the client answers as the vector of RFC 7677 does', async () => {
  expect(await answerServerFirst('pencil', vector.clientFirst, vector.serverFirst)).toEqual({
    clientFinal: vector.clientFinal,
    serverFinal: vector.serverFinal,
  });
});

test('the server accepts the proof of the vector, answers with its signature, and accepts no other password and no other exchange', async () => {
  const { clientFirst, serverFirst, clientFinal, serverFinal } = vector;
  const verifier = await makeVerifier('pencil', 'W22ZaJ0SNY7soEsUEjb6gQ==', 4096);
  expect(await answerClientFinal(verifier, clientFirst, serverFirst, clientFinal)).toBe(serverFinal);
  const other = await makeVerifier('pencil ', 'W22ZaJ0SNY7soEsUEjb6gQ==', 4096);
  expect(await answerClientFinal(other, clientFirst, serverFirst, clientFinal)).toBeNull();
  expect(await answerClientFinal(verifier, clientFirst, answerClientFirst(clientFirst, verifier) ?? '', clientFinal)).toBeNull();
  expect(await answerClientFinal(verifier, clientFirst, serverFirst, 'no message')).toBeNull();
  expect(answerClientFirst('no message', verifier)).toBeNull();
});

test('a server that changes the nonce, adds nothing to it, or asks for too few or too many iterations gets no answer', async () => {
  const first = 'n=user,r=abc';
  for (const bad of [
    'r=abd1,s=W22Z,i=4096',
    'r=abc,s=W22Z,i=4096',
    'r=abcd,s=W22Z,i=4095',
    'r=abcd,s=W22Z,i=10000001',
    'r=abcd,s=,i=4096',
    'm=x,r=abcd,s=W22Z,i=4096',
    'e=other-error',
    '',
  ]) {
    expect(await answerServerFirst('pencil', first, bad)).toBeNull();
  }
});

test('names are escaped, and what is no message is null', () => {
  expect(clientFirstBare('a,b=c', 'N')).toBe('n=a=2Cb=3Dc,r=N');
  expect(parseClientFirstBare('n=a=2Cb=3Dc,r=N')).toEqual({ nonce: 'N' });
  for (const bad of ['', 'n=,r=x', 'm=ext,n=a,r=x', 'n=a,r=', 'n=a', `n=a,r=${'x'.repeat(3000)}`])
    expect(parseClientFirstBare(bad)).toBeNull();
  for (const bad of ['', 'c=biws,r=x', 'c=biws,r=x,p=', `c=biws,r=x,p=${'A'.repeat(43)}`, `r=x,p=${'A'.repeat(43)}=`])
    expect(parseClientFinal(bad)).toBeNull();
  expect(parseServerFirst('r=x,s=!,i=4096')).toBeNull();
});

test('a password means the same however it was composed', () => {
  expect(preparePassword('I\u00adX')).toBe('IX');
  expect(preparePassword('\u00aa')).toBe('a');
  expect(preparePassword('\u2168')).toBe('IX');
  expect(preparePassword('a\u00a0b')).toBe('a b');
  expect(preparePassword('u\u0308')).toBe('\u00fc');
});

test('the salt of an unknown name is the same every time, differs by name and by pepper, and looks like a real one', async () => {
  const salt = await fakeSalt('pepper', 'nobody@example.test');
  expect(await fakeSalt('pepper', 'nobody@example.test')).toBe(salt);
  expect(await fakeSalt('pepper', 'anybody@example.test')).not.toBe(salt);
  expect(await fakeSalt('salt', 'nobody@example.test')).not.toBe(salt);
  expect(octets(salt)).toHaveLength(SALT_OCTETS);
});

test('octets compare equal only when all of them are', () => {
  expect(equalOctets(new Uint8Array([1, 2]), new Uint8Array([1, 2]))).toBe(true);
  expect(equalOctets(new Uint8Array([1, 2]), new Uint8Array([1, 3]))).toBe(false);
  expect(equalOctets(new Uint8Array([1, 2]), new Uint8Array([1, 2, 0]))).toBe(false);
  expect(equalOctets(new Uint8Array([1, 2, 0]), new Uint8Array([1, 2]))).toBe(false);
});
