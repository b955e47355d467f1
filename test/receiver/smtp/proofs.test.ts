/** AUTH without a password on the wire: SCRAM-SHA-256, -PLUS and OAUTHBEARER over submission (RFC 4954, RFC 7677, RFC 7628). */
import { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type ScramScript, scramClient } from '../../support/scram-client.ts';
import { SmtpClient } from '../../support/smtp-transcript.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let client: SmtpClient | undefined;
beforeAll(async () => {
  world = await startWorld({});
});
afterAll(() => world.close());
afterEach(() => {
  client?.close();
  world.login.away = false;
});

const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64');

async function open(tls = false): Promise<SmtpClient> {
  client = await SmtpClient.connect(tls ? world.ports.submissions : world.ports.submission, tls);
  await client.reply();
  await client.command('EHLO client.test');
  return client;
}

/** Plays an exchange; the last reply. */
async function play(smtp: SmtpClient, mechanism: string, script: Partial<ScramScript> = {}): Promise<string> {
  const scram = scramClient({ username: 'me@example.test', password: 'secret', ...script });
  const challenge = await smtp.command(`AUTH ${mechanism} ${base64(scram.first)}`);
  if (!challenge.startsWith('334 ')) return challenge;
  const { final, server } = await scram.final(Buffer.from(challenge.slice(4), 'base64').toString('utf8'));
  const answer = await smtp.command(base64(final));
  if (!answer.startsWith('334 ')) return answer;
  expect(Buffer.from(answer.slice(4), 'base64').toString('utf8')).toBe(server);
  return smtp.command('');
}

test('SCRAM-SHA-256 lets in who knows the password, who may then submit', async () => {
  const smtp = await open();
  expect(await play(smtp, 'SCRAM-SHA-256')).toMatch(/^235 2\.7\.0/);
  expect(await smtp.command('MAIL FROM:<me@example.test>')).toMatch(/^250/);
  expect(await smtp.command('AUTH SCRAM-SHA-256')).toMatch(/^503/);
});

test('-PLUS binds the login to the TLS channel, and another channel is refused', async () => {
  const smtp = await open(true);
  if (!(smtp.socket instanceof TLSSocket)) throw new Error('no TLS');
  const header = 'p=tls-exporter,,';
  expect(await play(smtp, 'SCRAM-SHA-256-PLUS', { header, binding: Buffer.alloc(32, 1) })).toMatch(/^535 5\.7\.8/);
  const binding = smtp.socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
  expect(await play(smtp, 'SCRAM-SHA-256-PLUS', { header, binding })).toMatch(/^235/);
});

test('wrong passwords, unknown names, downgrades and nonsense are refused, and the session goes on', async () => {
  const smtp = await open();
  expect(await play(smtp, 'SCRAM-SHA-256', { password: 'wrong' })).toMatch(/^535 5\.7\.8/);
  expect(await play(smtp, 'SCRAM-SHA-256', { username: 'nobody' })).toMatch(/^535 5\.7\.8/);
  expect(await play(smtp, 'SCRAM-SHA-256-PLUS')).toMatch(/^504/);
  expect(await smtp.command('AUTH SCRAM-SHA-256 not*base64')).toMatch(/^501 5\.5\.2/);
  expect(await smtp.command('AUTH SCRAM-SHA-256')).toBe('334');
  expect(await smtp.command('*')).toMatch(/^501/);
  expect(await play(smtp, 'SCRAM-SHA-256')).toMatch(/^235/);
});

test('OAUTHBEARER takes one of our tokens, and says in JSON what was wrong', async () => {
  const smtp = await open();
  const message = (token: string) => base64(`n,a=me@example.test,\x01auth=Bearer ${token}\x01\x01`);
  const challenge = await smtp.command(`AUTH OAUTHBEARER ${message('nonsense')}`);
  expect(JSON.parse(Buffer.from(challenge.slice(4), 'base64').toString())).toMatchObject({ status: 'invalid_token' });
  expect(await smtp.command('AQ==')).toMatch(/^535/);
  expect(await smtp.command(`AUTH OAUTHBEARER ${message('secret')}`)).toMatch(/^235/);
});

test('what cannot be checked now is put off', async () => {
  world.login.away = true;
  expect(await play(await open(), 'SCRAM-SHA-256')).toMatch(/^454 4\.7\.0/);
});
