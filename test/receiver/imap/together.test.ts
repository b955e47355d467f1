/** STOREs sent one behind the other without waiting (RFC 9051 §5.5): few round trips to the edge, answers in order, the same outcome. */
import { expect, test } from 'vitest';
import { type Answer, ImapClient } from '../../support/imap-client.ts';
import { startTestServer } from '../../support/imap-server.ts';
import { makeWorld, type World } from '../mirror/harness.ts';

async function mailboxOf(count: number): Promise<{ world: World; client: ImapClient; close(): Promise<void> }> {
  const world = makeWorld();
  for (let i = 0; i < count; i++) world.account.deliver();
  const { backend } = world.mirrors;
  const server = await startTestServer({
    backend: { login: (_user, _password, connection) => backend.login('user1', 'right', connection) },
  });
  const client = await ImapClient.logIn(server.imap);
  await client.command('SELECT INBOX');
  const close = async () => {
    client.close();
    await server.close();
    expect(server.defects).toEqual([]);
  };
  return { world, client, close };
}

/** All in one write; the answers in the order in which they came. */
async function pipeline(client: ImapClient, commands: string[]): Promise<Answer[]> {
  const tags = commands.map(() => client.nextTag());
  client.send(commands.map((command, index) => `${tags[index]} ${command}\r\n`).join(''));
  const answers: Answer[] = [];
  for (const tag of tags) answers.push(await client.completion(tag));
  return answers;
}

test('go to the edge in a few commits, and each is told its own message', async () => {
  const { world, client, close } = await mailboxOf(200);
  const commands = Array.from({ length: 200 }, (_value, index) => `STORE ${index + 1} +FLAGS (\\Seen)`);
  const answers = await pipeline(client, commands);
  expect(answers.map(({ untagged }) => untagged)).toEqual(commands.map((_value, index) => [`* ${index + 1} FETCH (FLAGS (\\Seen))`]));
  expect(world.bridge.commits.length).toBeLessThanOrEqual(3);
  await close();
});

test('end as if each had waited for the one before', async () => {
  const { world, client, close } = await mailboxOf(3);
  const answers = await pipeline(client, [
    'STORE 1 +FLAGS.SILENT (\\Deleted)',
    'STORE 1 FLAGS (\\Seen)',
    'STORE 1 +FLAGS (\\Flagged)',
    'STORE 1 -FLAGS (\\Flagged)',
    'UID STORE 2,3 +FLAGS (blue)',
    'STORE 2 (UNCHANGEDSINCE 1) +FLAGS (red)',
    'FETCH 1:3 FLAGS',
    'STORE 3 -FLAGS (blue)',
    'NOOP',
  ]);
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 9 }, () => 'OK'));
  expect(answers[5]?.code).toBe('MODIFIED 2');
  expect(answers[6]?.untagged.map((line) => /FLAGS \(.*?\)/.exec(line)?.[0])).toEqual(['FLAGS (\\Seen)', 'FLAGS (blue)', 'FLAGS (blue)']);
  expect(Object.fromEntries(world.account.picture().get(world.account.inbox) ?? [])).toEqual({ 1: '\\Seen', 2: 'blue', 3: '' });
  await close();
});

test('are answered in order when one of them is refused', async () => {
  const { client, close } = await mailboxOf(2);
  const answers = await pipeline(client, [
    'STORE 1 +FLAGS (\\Seen)',
    'STORE 7 +FLAGS (\\Seen)',
    'STORE 2 +FLAGS (\\Nonsense)',
    'STORE 2 NONSENSE (x)',
    'STORE 2 +FLAGS (\\Draft)',
    'NOOP',
  ]);
  expect(answers.map(({ status }) => status)).toEqual(['OK', 'BAD', 'BAD', 'BAD', 'OK', 'OK']);
  await close();
});

test('are all refused when the edge goes away, and change nothing', async () => {
  const { world, client, close } = await mailboxOf(20);
  world.bridge.gate = async (call) => {
    if (call === 'commit') world.bridge.away = true;
  };
  const answers = await pipeline(
    client,
    Array.from({ length: 20 }, (_value, index) => `STORE ${index + 1} +FLAGS (\\Seen)`),
  );
  expect(new Set(answers.map(({ status, code }) => `${status} ${code}`))).toEqual(new Set(['NO UNAVAILABLE']));
  world.bridge.away = false;
  expect((await client.command('FETCH 1:* FLAGS')).untagged.every((line) => line.endsWith('(FLAGS ())'))).toBe(true);
  await close();
});
