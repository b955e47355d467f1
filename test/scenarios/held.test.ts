/**
 * What leaves by itself, and when: a vacation reply once, a held message at its time even over a restart, a canceled one
 * never. Seen where a person would look: in the files that the `file` relay writes.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jmap, openSmtp, type Posthouse, startPosthouse, until } from '../support/posthouse.ts';

const USING = ['core', 'mail', 'submission', 'vacationresponse'].map((name) => `urn:ietf:params:jmap:${name}`);

let posthouse: Posthouse;
let accountId: string;
let drafts: string;
let identityId: string;
let me: string;
beforeAll(async () => {
  posthouse = await startPosthouse();
  me = posthouse.ready.accounts[0]?.address ?? '';
  const session = await fetch(`${posthouse.ready.http}/.well-known/jmap`, { headers: { authorization: basic() } });
  const { primaryAccounts } = (await session.json()) as { primaryAccounts: Record<string, string> };
  accountId = primaryAccounts['urn:ietf:params:jmap:mail'] ?? '';
  const mailboxes = (await call('Mailbox/get', { ids: null })).list as { id: string; role: string | null }[];
  drafts = mailboxes.find(({ role }) => role === 'drafts')?.id ?? '';
  identityId = ((await call('Identity/get', { ids: null })).list as { id: string }[])[0]?.id ?? '';
});
afterAll(() => posthouse?.dispose());

function basic(): string {
  const { address, appPassword } = posthouse.ready.accounts[0] ?? { address: '', appPassword: '' };
  return `Basic ${Buffer.from(`${address}:${appPassword}`).toString('base64')}`;
}

/** One JMAP call with all capabilities; the arguments of its answer. */
async function call(name: string, args: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${posthouse.ready.http}/jmap/api`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: basic() },
    body: JSON.stringify({ using: USING, methodCalls: [[name, { accountId, ...args }, '0']] }),
  });
  const { methodResponses } = (await answer.json()) as { methodResponses: [string, Record<string, unknown>, string][] };
  expect(methodResponses[0]?.[0], JSON.stringify(methodResponses[0])).toBe(name);
  return methodResponses[0]?.[1] ?? {};
}

/** A message written and submitted, held for some seconds; its submission. */
async function hold(subject: string, seconds: number): Promise<{ id: string; sendAt: string }> {
  const email = {
    mailboxIds: { [drafts]: true },
    from: [{ email: me }],
    to: [{ email: 'friend@elsewhere.test' }],
    subject,
    bodyStructure: { type: 'text/plain', partId: 't' },
    bodyValues: { t: { value: 'Hello' } },
  };
  const made = (await call('Email/set', { create: { m: email } })).created as { m: { id: string } };
  const envelope = {
    mailFrom: { email: me, parameters: { HOLDFOR: String(seconds) } },
    rcptTo: [{ email: 'friend@elsewhere.test', parameters: null }],
  };
  const answer = await call('EmailSubmission/set', { create: { s: { emailId: made.m.id, identityId, envelope } } });
  expect(answer.notCreated).toBeNull();
  return (answer.created as { s: { id: string; sendAt: string } }).s;
}

/** The messages that left, as they are in the relay's folder. */
async function sent(): Promise<string[]> {
  const folder = path.join(posthouse.home, 'sent');
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.eml'));
  return Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')));
}

async function sentWith(subject: string): Promise<string[]> {
  return (await sent()).filter((message) => message.includes(`\nSubject: ${subject}\r\n`));
}

const statusOf = async (id: string) => ((await call('EmailSubmission/get', { ids: [id] })).list as { undoStatus: string }[])[0]?.undoStatus;

test('a held message leaves at its time, not before; a canceled one never', async () => {
  const canceled = await hold('canceled in time', 3);
  const held = await hold('held for a while', 5);
  expect(Date.parse(held.sendAt)).toBeGreaterThan(Date.now() + 2000);
  expect((await call('EmailSubmission/set', { update: { [canceled.id]: { undoStatus: 'canceled' } } })).notUpdated).toBeNull();
  expect(await statusOf(held.id)).toBe('pending');
  const [message] = await until('the held message', async () => {
    const found = await sentWith('held for a while');
    // Whoever sees it early sees a defect.
    if (found.length > 0) expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(held.sendAt));
    return found.length > 0 && found;
  });
  expect(message).toContain('Hello');
  await until('its final state', async () => (await statusOf(held.id)) === 'final');
  // The canceled one was due before it.
  expect(await sentWith('canceled in time')).toEqual([]);
  expect(await statusOf(canceled.id)).toBe('canceled');
});

test('a message held over a restart leaves all the same, by the cron that finds it', async () => {
  const held = await hold('held over a restart', 10);
  await posthouse.kill();
  const early = await sentWith('held over a restart');
  // A machine under load may need longer to stop than the message is held.
  if (Date.now() < Date.parse(held.sendAt)) expect(early).toEqual([]);
  await posthouse.start();
  await until('the message after the restart', async () => (await sentWith('held over a restart')).length > 0, 100_000);
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(held.sendAt));
  await until('its final state', async () => (await statusOf(held.id)) === 'final');
  expect(await sentWith('held over a restart')).toHaveLength(1);
}, 160_000);

test('a vacation reply leaves once, however much one sender writes, and for no list', async () => {
  const update = { singleton: { isEnabled: true, subject: 'Away', textBody: 'Back on Monday.' } };
  expect((await call('VacationResponse/set', { update })).notUpdated).toBeNull();
  const smtp = await openSmtp(posthouse);
  const letter = (number: number, more: string[] = []) =>
    Buffer.from(
      [
        `From: ann@elsewhere.test`,
        `To: ${me}`,
        `Subject: letter ${number}`,
        `Message-ID: <l${number}@elsewhere.test>`,
        ...more,
        '',
        'Hi',
        '',
      ].join('\r\n'),
    );
  for (let number = 1; number <= 3; number++) await smtp.send('ann@elsewhere.test', [me], letter(number));
  await smtp.send('list-bounces@elsewhere.test', [me], letter(4, ['List-Id: <list.elsewhere.test>']));
  await smtp.send('', [me], letter(5));
  // Bob's reply comes last: when it is there, all others have been thought of.
  await smtp.send('bob@elsewhere.test', [me], letter(6));
  smtp.close();
  const replies = await until('two replies', async () => {
    const found = await sentWith('Away');
    return found.length >= 2 && found;
  });
  expect(replies.map((reply) => /^To: (.*)\r$/m.exec(reply)?.[1]).sort()).toEqual(['ann@elsewhere.test', 'bob@elsewhere.test']);
  const toAnn = replies.find((reply) => reply.includes('To: ann@')) ?? '';
  expect(toAnn).toMatch(/^Auto-Submitted: auto-replied\r$/m);
  expect(toAnn).toMatch(/^In-Reply-To: <l\d@elsewhere\.test>\r$/m);
  expect(toAnn).toContain('Back on Monday.');
  expect(await sentWith('Away')).toHaveLength(2);
  const envelopes = (await readdir(path.join(posthouse.home, 'sent'))).filter((name) => name.endsWith('.json'));
  const texts = await Promise.all(envelopes.map((name) => readFile(path.join(posthouse.home, 'sent', name), 'utf8')));
  expect(texts.filter((text) => text.includes('bob@elsewhere.test'))).toEqual([expect.stringMatching(/"mailFrom":\s*""/)]);
  const [, listed] = (await jmap(posthouse, [['EmailSubmission/get', { accountId, ids: null }, '0']]))[0] ?? [];
  expect(JSON.stringify(listed)).not.toContain('bob@elsewhere.test');
}, 60_000);
