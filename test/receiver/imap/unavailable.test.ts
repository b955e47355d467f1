/** The edge is away (RFC 5530 UNAVAILABLE): what is known is answered, what is not is refused, nothing is invented. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Refusal } from '../../../receiver/imap/session.ts';
import { ImapClient } from '../../support/imap-client.ts';
import { startTestServer, type TestServer } from '../../support/imap-server.ts';

let server: TestServer;
let client: ImapClient;
const MESSAGE = 'Subject: one\r\nX-Other: two\r\n\r\nthree\r\n';

beforeEach(async () => {
  server = await startTestServer();
  client = await ImapClient.logIn(server.imap);
  await client.append('INBOX', MESSAGE);
  await client.append('INBOX', MESSAGE);
  await client.command('SELECT INBOX');
});
afterEach(async () => {
  client.close();
  await server.close();
  expect(server.defects).toEqual([]);
});

function away(): never {
  throw new Refusal('UNAVAILABLE', 'The mail store is away');
}

test('a message that cannot be read is left out, the others come, and the answer says so', async () => {
  const original = server.account.original.bind(server.account);
  const first = server.account.byName('INBOX').placements[0];
  server.account.original = (id) => (id === `M${first?.email.id}` ? away() : original(id));
  const answer = await client.command('FETCH 1:2 BODY.PEEK[]');
  expect(answer).toMatchObject({ status: 'NO', code: 'UNAVAILABLE' });
  expect(answer.untagged).toEqual([`* 2 FETCH (BODY[] {${MESSAGE.length}}\r\n${MESSAGE})`]);
  expect((await client.command('NOOP')).status).toBe('OK');
});

test('flags, envelopes and kept header fields need no original', async () => {
  server.account.original = away;
  const answer = await client.command('FETCH 1 (FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (Subject)])');
  expect(answer.status).toBe('OK');
  expect(answer.untagged[0]).toContain('Subject: one\r\n\r\n)');
  expect((await client.command('SEARCH SUBJECT one')).untagged).toEqual(['* SEARCH 1 2']);
});

test('reading goes on when \\Seen cannot be set', async () => {
  server.account.changeFlags = away;
  const answer = await client.command('FETCH 1 BODY[TEXT]');
  expect(answer).toMatchObject({ status: 'OK', untagged: ['* 1 FETCH (BODY[TEXT] {7}\r\nthree\r\n)'] });
});

test('a search that needs originals is refused, not answered with less', async () => {
  server.account.original = away;
  expect(await client.command('SEARCH BODY three')).toMatchObject({ status: 'NO', code: 'UNAVAILABLE', untagged: [] });
  expect(await client.command('SEARCH RETURN (SAVE) BODY three')).toMatchObject({ status: 'NO' });
  expect((await client.command('FETCH $ UID')).untagged).toEqual([]);
});

test('writes are refused and change nothing', async () => {
  server.account.changeFlags = away;
  server.account.copy = away;
  server.account.append = away;
  server.account.remove = away;
  for (const command of [
    'STORE 1 +FLAGS (\\Flagged)',
    'STORE 1 +FLAGS.SILENT (\\Flagged)',
    'COPY 1 Archive',
    'MOVE 1 Archive',
    'EXPUNGE',
    'APPEND INBOX {1+}\r\nx',
  ]) {
    expect(await client.command(command)).toMatchObject({ status: 'NO', code: 'UNAVAILABLE', untagged: [] });
  }
  expect((await client.command('FETCH 1:* FLAGS')).untagged).toEqual(['* 1 FETCH (FLAGS ())', '* 2 FETCH (FLAGS ())']);
});

test('a selected mailbox that cannot be deleted stays selected', async () => {
  await client.command('CREATE kept');
  await client.append('kept', MESSAGE);
  await client.command('SELECT kept');
  server.account.delete = away;
  expect(await client.command('DELETE kept')).toMatchObject({ status: 'NO', code: 'UNAVAILABLE', untagged: [] });
  expect((await client.command('FETCH 1 UID')).untagged).toEqual(['* 1 FETCH (UID 1)']);
});

test('an original that breaks off in the middle of its literal ends the connection', async () => {
  await client.append('INBOX', `Subject: large\r\n\r\n${'x'.repeat(400_000)}`);
  const original = server.account.original.bind(server.account);
  server.account.original = (id) => original(id).subarray(0, 300_000);
  client.send('f FETCH 3 BODY.PEEK[]\r\n');
  await client.closed();
  expect(server.defects.splice(0)).toEqual([expect.stringContaining('broke off')]);
});
