/** BINARY of what is too large to be looked through before it is sent (RFC 9051 §4.3.1): a literal8, NULs or none. */
import { expect, test } from 'vitest';
import { ImapClient } from '../../support/imap-client.ts';
import { startTestServer } from '../../support/imap-server.ts';

test('a streamed part goes out as literal8, because nobody knows yet whether it holds NUL', async () => {
  const server = await startTestServer();
  const client = await ImapClient.logIn(server.imap);
  const part = `${'x'.repeat(300_000)}\0${'y'.repeat(300_000)}`;
  const message = `Subject: large\r\n\r\n${part}`;
  expect((await client.command(`APPEND INBOX ~{${message.length}+}\r\n${message}`)).status).toBe('OK');
  await client.command('SELECT INBOX');
  expect((await client.command('FETCH 1 BINARY.PEEK[1]')).untagged).toEqual([`* 1 FETCH (BINARY[1] ~{${part.length}}\r\n${part})`]);
  expect((await client.command('FETCH 1 BODY.PEEK[1]')).untagged).toEqual([`* 1 FETCH (BODY[1] {${part.length}}\r\n${part})`]);
  client.close();
  await server.close();
  expect(server.defects).toEqual([]);
});
