/** Reading ahead: only for who walks, and only where something has to be fetched. */
import { expect, it } from 'vitest';
import type { MirrorMessage } from '../../../receiver/mirror/messages.ts';
import { ReadAhead } from '../../../receiver/mirror/read-ahead.ts';

/** A mailbox of 1,000 messages; `cached` of them are there. */
function walker(cached: (uid: number) => boolean) {
  const here = new Set<number>();
  const lookups: number[][] = [];
  const uids = Uint32Array.from({ length: 1000 }, (_value, index) => index + 1);
  const isHere = (uid: number) => cached(uid) || here.has(uid);
  const readAhead = new ReadAhead({
    uids: () => uids,
    messages: (wanted) => {
      lookups.push(wanted);
      return wanted.map((uid) => ({ uid }) as MirrorMessage);
    },
    warm: ({ uid }) => {
      if (isHere(uid)) return false;
      here.add(uid);
      return true;
    },
  });
  const read = (uid: number) => {
    readAhead.note(uid, isHere(uid));
    here.add(uid);
  };
  return { read, here, lookups };
}

it('looks nothing up while a client walks through what is there', () => {
  const { read, lookups } = walker(() => true);
  for (let uid = 1; uid <= 1000; uid++) read(uid);
  expect(lookups).toEqual([]);
});

it('fetches the next sixteen for who reads two neighbours, and more for who goes on', () => {
  const { read, here } = walker(() => false);
  read(1);
  expect(here.size).toBe(1);
  read(2);
  expect(here.size).toBe(2 + 16);
  read(3);
  expect(here.size).toBe(3 + 32);
  for (let uid = 4; uid <= 1000; uid++) read(uid);
  expect(here.size).toBe(1000);
});

it('fetches each message once, in lots, and notices where the cache ends', () => {
  const { read, lookups } = walker((uid) => uid <= 500);
  for (let uid = 1; uid <= 1000; uid++) read(uid);
  const wanted = lookups.flat();
  expect(new Set(wanted).size).toBe(wanted.length);
  expect(Math.min(...wanted)).toBe(502);
  expect(lookups.length).toBeLessThan(60);
});

it('fetches nothing for who reads here and there, or one message again and again', () => {
  const { read, lookups } = walker(() => false);
  for (const uid of [5, 50, 500, 7, 7, 7, 70]) read(uid);
  expect(lookups).toEqual([]);
});
