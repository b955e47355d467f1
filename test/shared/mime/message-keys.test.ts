/** What messages are searched, sorted and threaded by (RFC 5256, RFC 5957). */
import { expect, test } from 'vitest';
import { idNumber, messageKeys } from '../../../shared/mime/message-keys.ts';

function keysOf(...lines: string[]) {
  return messageKeys(lines.map((line) => `${line}\r\n`).join(''));
}

test('the subject is decoded and casemapped, whole and as its base', () => {
  const keys = keysOf('Subject: Re: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n aus Ulm');
  expect(keys.subject).toBe('RE: GRÜßE AUS ULM'.normalize('NFKD'));
  expect(keys.base).toBe('GRÜßE AUS ULM'.normalize('NFKD'));
  expect(keys.reply).toBe(true);
});

test('addresses sort by the first mailbox and show its display name, else the address', () => {
  const keys = keysOf('From: =?utf-8?q?=C3=84nne?= <zoe@example.org>, b@example.org', 'To: bob@example.org', 'Cc: Team: c@example.org;');
  expect(keys.sortFrom).toBe('ZOE');
  expect(keys.displayFrom).toBe('ÄNNE'.normalize('NFKD'));
  expect(keys.sortTo).toBe('BOB');
  expect(keys.displayTo).toBe('BOB@EXAMPLE.ORG');
  expect(keys.sortCc).toBe('TEAM');
  expect(keysOf('Subject: x')).toMatchObject({ sortFrom: '', sortCc: '', displayTo: '', from: '' });
});

test('the sent date is UTC, the date as written is the sender’s', () => {
  const { sent, written } = keysOf('Date: Sun, 31 Dec 2000 16:01:33 -0800');
  expect(sent).toBe(Date.UTC(2001, 0, 1, 0, 1, 33));
  expect(written).toBe(Date.UTC(2000, 11, 31, 16, 1, 33));
  expect(keysOf('Date: 5 Mar 2000').sent).toBe(Date.UTC(2000, 2, 5));
  expect(keysOf('Date: never').sent).toBeNull();
});

test('references come from References, else the first id of In-Reply-To', () => {
  const ids = (...lines: string[]) => [...keysOf(...lines).ids];
  expect(ids('Message-ID: <c@x>', 'References: <a@x> <b@x>', 'In-Reply-To: <z@x>')).toEqual(['c@x', 'a@x', 'b@x'].map(idNumber));
  expect(ids('In-Reply-To: Your letter of <friday> <z@x> <y@x>')).toEqual([0, idNumber('z@x')]);
  expect(ids('References: nothing', 'In-Reply-To: <z@x>')).toEqual([0, idNumber('z@x')]);
});

test('quoting makes no other id, case does', () => {
  expect(keysOf('Message-ID: <"01KF8"@xxx.yyy.com>').ids).toEqual(keysOf('Message-ID: <01KF8@xxx.yyy.com>').ids);
  expect(idNumber('a@b')).not.toBe(idNumber('A@b'));
});
