import { expect, it } from 'vitest';
import { envelopeWire } from '../../../shared/mime/envelope.ts';
import { bodyStructureWire } from '../../../shared/mime/structure.ts';
import { sampleIndex, sampleMessage } from '../../support/sample-message.ts';
import { makeWorld, select } from './harness.ts';

it('messages carry finished wire text and every fact, in the order asked', async () => {
  const world = makeWorld();
  for (let i = 0; i < 3; i++) world.account.deliver();
  const box = select(await world.session(), 'INBOX');
  const [third, first] = box.messages([3, 99, 1]);
  const raw = sampleMessage(1);
  const index = sampleIndex(raw);
  expect(third?.uid).toBe(3);
  expect(first).toMatchObject({
    uid: 1,
    emailId: 'M1',
    threadId: 'T1',
    size: raw.length,
    internalDate: index.receivedAt,
    sentDate: index.sentAt,
  });
  expect(first?.savedDate).toBe(index.receivedAt + 1);
  expect(first?.envelope).toBe(envelopeWire(index.headers));
  expect(first?.body).toBe(bodyStructureWire(index.structure, false));
  expect(first?.bodyStructure).toBe(bodyStructureWire(index.structure, true));
  expect(first?.headers).toBe(index.headers);
  expect(first?.headersComplete).toBe(true);
  expect(first?.structure).toEqual(index.structure);
  expect(first?.preview).toBe('Text 1');
});

it('keep 8-bit header octets as they came', async () => {
  const world = makeWorld();
  const raw = 'Subject: \u00e4\u00ff\u0080 caf\u00e9\r\n\r\nx';
  const index = { ...sampleIndex(raw), sha256: world.account.putBlob(Buffer.from(raw, 'latin1')), size: raw.length };
  world.account.change(() => world.account.place(world.account.inbox, { index }));
  const box = select(await world.session(), 'INBOX');
  const [message] = box.messages([1]);
  expect(message?.headers).toBe('Subject: \u00e4\u00ff\u0080 caf\u00e9\r\n');
});

it('come over many chunks, and leave out what is expunged between two', async () => {
  const world = makeWorld();
  for (let i = 0; i < 700; i++) world.account.deliver();
  const session = await world.session();
  const box = select(session, 'INBOX');
  const seen: number[] = [];
  const iterator = box.messages([...box.uids()])[Symbol.iterator]();
  for (let i = 0; i < 20; i++) {
    const { value } = iterator.next();
    expect(value.envelope).toContain(`Message ${value.uid}`);
    seen.push(value.uid);
  }
  world.account.expunge(world.account.inbox, [600]);
  await session.refresh();
  for (let next = iterator.next(); !next.done; next = iterator.next()) {
    expect(next.value.envelope).toContain(`Message ${next.value.uid}`);
    seen.push(next.value.uid);
  }
  expect(seen).toHaveLength(699);
  expect(seen).not.toContain(600);
});

it('a text asked for after the message was expunged is refused, not invented', async () => {
  const world = makeWorld();
  world.account.deliver();
  const session = await world.session();
  const box = select(session, 'INBOX');
  const [message] = box.messages([1]);
  world.account.expunge(world.account.inbox, [1]);
  await session.refresh();
  expect(() => message?.envelope).toThrow(expect.objectContaining({ code: 'EXPUNGEISSUED' }));
});
