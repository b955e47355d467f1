/** COMPRESS=DEFLATE (RFC 4978): both directions, flushed answers, and what broken or hostile compressed input may do: nothing. */
import { deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ImapClient } from '../../support/imap-client.ts';
import { startTestServer, type TestServer } from '../../support/imap-server.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(async () => {
  await server.close();
  expect(server.defects).toEqual([]);
});

async function compressed(): Promise<ImapClient> {
  const client = await ImapClient.logIn(server.imap);
  expect((await client.command('COMPRESS DEFLATE')).status).toBe('OK');
  client.startCompression();
  return client;
}

test('commands, literals, large answers and pushes pass compressed', async () => {
  const client = await compressed();
  const body = `Subject: x\r\n\r\n${'compress me, '.repeat(200_000)}`;
  expect((await client.append('INBOX', body)).status).toBe('OK');
  expect((await client.command('SELECT INBOX')).status).toBe('OK');
  const { untagged } = await client.command('FETCH 1 (BODY.PEEK[])');
  expect(untagged[0]).toContain(`{${body.length}}\r\n${body}`);
  client.send('i IDLE\r\n');
  expect(await client.response()).toBe('+ idling');
  const other = await ImapClient.logIn(server.imap);
  await other.append('INBOX', 'y');
  expect(await client.response()).toBe('* 2 EXISTS');
  client.send('DONE\r\n');
  await client.completion('i');
  expect((await client.command('LOGOUT')).status).toBe('OK');
  await client.closed();
  other.close();
});

test('compression cannot be had twice, nor before login, nor by another name', async () => {
  const stranger = await ImapClient.open(server.imap);
  await stranger.response();
  expect((await stranger.command('COMPRESS DEFLATE')).status).toBe('BAD');
  stranger.close();
  const client = await ImapClient.logIn(server.imap);
  expect(await client.command('COMPRESS LZW')).toMatchObject({ status: 'NO', code: 'CANNOT' });
  expect((await client.command('COMPRESS')).status).toBe('BAD');
  client.close();
  const twice = await compressed();
  expect(await twice.command('COMPRESS DEFLATE')).toMatchObject({ status: 'NO', code: 'COMPRESSIONACTIVE' });
  expect((await twice.command('NOOP')).status).toBe('OK');
  twice.close();
});

test('commands put behind COMPRESS in the clear take no effect', async () => {
  const client = await ImapClient.logIn(server.imap);
  client.send('a COMPRESS DEFLATE\r\nb CREATE injected\r\n');
  expect(await client.line()).toBe('a OK DEFLATE active');
  client.startCompression();
  expect((await client.command('LIST "" injected')).untagged).toEqual([]);
  client.close();
});

test('octets that are no deflate end the connection and nothing else', async () => {
  const client = await ImapClient.logIn(server.imap);
  await client.command('COMPRESS DEFLATE');
  client.send(Buffer.from('this is no deflate\r\n'));
  await client.closed();
  expect((await ImapClient.logIn(server.imap)).ended).toBe(false);
});

test('a connection that ends in the middle of a compressed block is let go', async () => {
  const client = await ImapClient.logIn(server.imap);
  await client.command('COMPRESS DEFLATE');
  client.send(deflateRawSync('NOOP\r\n'.repeat(1000)).subarray(0, 9));
  client.socket.end();
  await client.closed();
});

test('a few octets that unfold into hundreds of megabytes fill no memory', async () => {
  const client = await ImapClient.logIn(server.imap);
  await client.command('COMPRESS DEFLATE');
  const bomb = deflateRawSync(Buffer.alloc(256 * 1024 * 1024, 'x'));
  expect(bomb.length).toBeLessThan(300_000);
  const before = process.memoryUsage().rss;
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 5);
  client.send(bomb);
  // The line has no end: beyond what we read only to throw it away, the connection closes.
  await client.closed();
  clearInterval(watch);
  expect((most - before) / 1024 / 1024).toBeLessThan(120);
}, 60_000);
