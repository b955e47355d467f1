/**
 * AUTHENTICATE beyond passwords: SCRAM-SHA-256, -PLUS with tls-exporter (RFC 7677, RFC 9266), OAUTHBEARER (RFC 7628), over the
 * memory backend and over the mirror's.
 */
import { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Backend } from '../../../receiver/imap/session.ts';
import { ImapClient } from '../../support/imap-client.ts';
import { PASSWORD, startTestServer, type TestServer, USER } from '../../support/imap-server.ts';
import { type ScramScript, scramClient } from '../../support/scram-client.ts';
import { makeWorld } from '../mirror/harness.ts';

interface Kind {
  username: string;
  password: string;
  backend?: () => Backend;
}
const KINDS: [string, Kind][] = [
  ['memory', { username: USER, password: PASSWORD }],
  ['mirror', { username: 'user1', password: 'right', backend: () => makeWorld().mirrors.backend }],
];

const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64');

describe.each(KINDS)('over the %s backend', (_name, { username, password, backend }) => {
  let server: TestServer;
  beforeEach(async () => {
    const made = backend?.();
    server = await startTestServer(made ? { backend: made } : {});
  });
  afterEach(async () => {
    await server.close();
    expect(server.defects).toEqual([]);
  });

  async function open(tls = false): Promise<ImapClient> {
    const client = await ImapClient.open(tls ? server.imaps : server.imap, tls);
    await client.response();
    return client;
  }

  /** Plays an exchange; `bound` overrides what `c=` repeats. The tagged line. */
  async function play(client: ImapClient, mechanism: string, script: Partial<ScramScript> = {}, bound?: Buffer): Promise<string> {
    const scram = scramClient({ username, password, ...script });
    client.send(`a AUTHENTICATE ${mechanism} ${base64(scram.first)}\r\n`);
    const challenge = (await client.line()) ?? '';
    if (!challenge.startsWith('+ ')) return challenge;
    const { final, server: expected } = await scram.final(Buffer.from(challenge.slice(2), 'base64').toString('utf8'), bound);
    client.send(`${base64(final)}\r\n`);
    const answer = (await client.line()) ?? '';
    if (!answer.startsWith('+ ')) return answer;
    expect(Buffer.from(answer.slice(2), 'base64').toString('utf8')).toBe(expected);
    client.send('\r\n');
    return (await client.line()) ?? '';
  }

  function exporter(client: ImapClient): Buffer {
    if (!(client.socket instanceof TLSSocket)) throw new Error('no TLS');
    return client.socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
  }

  test('SCRAM-SHA-256 lets in who knows the password, and the server proves itself', async () => {
    const client = await open();
    expect(await play(client, 'SCRAM-SHA-256')).toMatch(/^a OK \[CAPABILITY /);
    expect((await client.command('SELECT INBOX')).status).toBe('OK');
    client.close();
  });

  test('wrong passwords and unknown names are refused alike, after the same two steps', async () => {
    const client = await open();
    expect(await play(client, 'SCRAM-SHA-256', { password: 'wrong' })).toBe('a NO [AUTHENTICATIONFAILED] Wrong user name or password');
    expect(await play(client, 'SCRAM-SHA-256', { username: 'nobody' })).toBe('a NO [AUTHENTICATIONFAILED] Wrong user name or password');
    client.close();
  });

  test('-PLUS binds the login to the TLS channel', async () => {
    const client = await open(true);
    const script = { header: 'p=tls-exporter,,', binding: exporter(client) };
    expect(await play(client, 'SCRAM-SHA-256-PLUS', script)).toMatch(/^a OK /);
    client.close();
  });

  test('a login relayed from another channel is refused', async () => {
    const client = await open(true);
    const script = { header: 'p=tls-exporter,,', binding: Buffer.alloc(32, 7) };
    expect(await play(client, 'SCRAM-SHA-256-PLUS', script)).toMatch(/^a NO \[AUTHENTICATIONFAILED\]/);
    client.close();
  });

  test('a client that was told that there is no channel binding, where there is, is refused (downgrade)', async () => {
    const secure = await open(true);
    expect(await play(secure, 'SCRAM-SHA-256', { header: 'y,,' })).toMatch(/^a NO \[AUTHENTICATIONFAILED\] .*changed what it offers/);
    expect(await play(secure, 'SCRAM-SHA-256', { header: 'n,,' })).toMatch(/^a OK /);
    secure.close();
    const plain = await open();
    expect(await play(plain, 'SCRAM-SHA-256', { header: 'y,,' })).toMatch(/^a OK /);
    plain.close();
  });

  test.each([
    ['a c= that repeats another header', 'SCRAM-SHA-256', {}, Buffer.from('y,,')],
    ['binding without -PLUS', 'SCRAM-SHA-256', { header: 'p=tls-exporter,,' }],
    ['-PLUS without binding', 'SCRAM-SHA-256-PLUS', { header: 'n,,' }],
    ['a binding of another type', 'SCRAM-SHA-256-PLUS', { header: 'p=tls-unique,,' }],
    ['somebody else to act for', 'SCRAM-SHA-256', { header: 'n,a=somebody,' }],
    ['no header at all', 'SCRAM-SHA-256', { header: '' }],
    ['an extension that we must understand', 'SCRAM-SHA-256', { header: 'n,,m=x,' }],
  ] as [string, string, Partial<ScramScript>, Buffer?][])('%s is refused', async (_what, mechanism, script, bound) => {
    const client = await open(true);
    expect(await play(client, mechanism, script, bound)).toMatch(/^a NO \[AUTHENTICATIONFAILED\]/);
    client.close();
  });

  test('-PLUS is not to be had without TLS, nor with TLS 1.2', async () => {
    const client = await open();
    expect(await play(client, 'SCRAM-SHA-256-PLUS', { header: 'p=tls-exporter,,' })).toMatch(/^a NO \[CANNOT\]/);
    client.close();
    const old = await ImapClient.open(server.imaps, { maxVersion: 'TLSv1.2' });
    expect(await old.response()).not.toContain('PLUS');
    old.close();
  });

  test('an exchange can be cancelled at each step, and broken base64 ends it', async () => {
    const client = await open();
    for (const answers of [['*'], [base64(`n,,n=${username},r=x`), '*'], ['====='], [base64(`n,,n=${username},r=x`), 'AAA']]) {
      client.send('a AUTHENTICATE SCRAM-SHA-256\r\n');
      let line = await client.line();
      for (const answer of answers) {
        expect(line).toMatch(/^\+ /);
        client.send(`${answer}\r\n`);
        line = await client.line();
      }
      expect(line).toMatch(/^a BAD (Authentication cancelled|Invalid base64)/);
    }
    expect((await client.command('NOOP')).status).toBe('OK');
    client.close();
  });

  test('OAUTHBEARER takes one of our tokens', async () => {
    const client = await open();
    client.send(`a AUTHENTICATE OAUTHBEARER ${base64(`n,a=${username},\x01host=x\x01port=143\x01auth=Bearer ${password}\x01\x01`)}\r\n`);
    expect(await client.line()).toMatch(/^a OK \[CAPABILITY /);
    client.close();
  });

  test('OAUTHBEARER says in JSON what was wrong before it refuses', async () => {
    const client = await open();
    for (const message of [`n,a=${username},\x01auth=Bearer nonsense\x01\x01`, `n,,\x01auth=Basic x\x01\x01`, 'n,,', '']) {
      client.send(`a AUTHENTICATE OAUTHBEARER ${base64(message) || '='}\r\n`);
      const challenge = (await client.line()) ?? '';
      expect(JSON.parse(Buffer.from(challenge.slice(2), 'base64').toString())).toMatchObject({ status: 'invalid_token' });
      client.send('AQ==\r\n');
      expect(await client.line()).toBe('a NO [AUTHENTICATIONFAILED] Unknown token');
    }
    client.close();
  });
});

test('without TLS and not on loopback nothing is offered and nothing taken', async () => {
  const server = await startTestServer({ listen: '0.0.0.0' });
  const client = await ImapClient.open(server.imap);
  expect(await client.response()).toContain('LOGINDISABLED');
  for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'OAUTHBEARER']) {
    expect(await client.command(`AUTHENTICATE ${mechanism}`)).toMatchObject({ status: 'NO', code: 'PRIVACYREQUIRED' });
  }
  client.close();
  await server.close();
});
