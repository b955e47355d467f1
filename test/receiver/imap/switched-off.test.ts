/** What was switched off for an account is neither said nor done (for broken clients); for others all is there. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SWITCHABLE } from '../../../receiver/imap/capabilities.ts';
import { ImapClient } from '../../support/imap-client.ts';
import { PASSWORD, startTestServer, type TestServer, USER } from '../../support/imap-server.ts';
import { makeWorld } from '../mirror/harness.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer({ jmapSession: 'https://mail.example.test/jmap/session' });
});
afterEach(async () => {
  await server.close();
  expect(server.defects).toEqual([]);
});

async function capabilities(client: ImapClient): Promise<string[]> {
  return (await client.command('CAPABILITY')).untagged[0]?.split(' ').slice(2) ?? [];
}

test('every capability can be switched off, but for those that login needs', async () => {
  const client = await ImapClient.logIn(server.imap);
  const all = await capabilities(client);
  expect(all.map((name) => name.toUpperCase().replace(/^APPENDLIMIT=.*/, 'APPENDLIMIT')).filter((name) => !SWITCHABLE.has(name))).toEqual([
    'IMAP4REV1',
    'SASL-IR',
    'LITERAL+',
  ]);
  server.account.without = new Set(SWITCHABLE);
  const bare = await ImapClient.open(server.imap);
  await bare.response();
  expect((await bare.command(`LOGIN ${USER} ${PASSWORD}`)).code).toBe('CAPABILITY IMAP4rev1 SASL-IR LITERAL+');
  expect(await capabilities(bare)).toEqual(['IMAP4rev1', 'SASL-IR', 'LITERAL+']);
  for (const command of ['SELECT INBOX', 'LIST "" "*"', 'STATUS INBOX (MESSAGES)', 'UID SEARCH ALL', 'UID FETCH 1:* (FLAGS)', 'CLOSE']) {
    expect((await bare.command(command)).status).toBe('OK');
  }
  expect(await capabilities(client)).toEqual(['IMAP4rev1', 'SASL-IR', 'LITERAL+']);
  client.close();
  bare.close();
});

describe.each([
  ['COMPRESS=DEFLATE', 'COMPRESS DEFLATE'],
  ['ENABLE', 'ENABLE UTF8=ACCEPT'],
  ['ID', 'ID NIL'],
  ['IDLE', 'IDLE'],
  ['JMAPACCESS', 'GETJMAPACCESS'],
  ['METADATA', 'GETMETADATA "" /shared/comment'],
  ['METADATA', 'SETMETADATA "" (/shared/comment "x")'],
  ['LIST-METADATA', 'LIST "" % RETURN (METADATA (/shared/comment))'],
  ['MOVE', 'MOVE 1 Trash'],
  ['MULTIAPPEND', 'APPEND INBOX {1+}\r\nx {1+}\r\ny'],
  ['NAMESPACE', 'NAMESPACE'],
  ['NOTIFY', 'NOTIFY NONE'],
  ['QUOTA', 'GETQUOTA ""'],
  ['QUOTA', 'GETQUOTAROOT INBOX'],
  ['REPLACE', 'REPLACE 1 INBOX {1+}\r\nx'],
  ['UIDPLUS', 'UID EXPUNGE 1'],
  ['UNSELECT', 'UNSELECT'],
  ['LIST-EXTENDED', 'LIST (SUBSCRIBED) "" "*"'],
  ['LIST-STATUS', 'LIST "" % RETURN (STATUS (MESSAGES))'],
  ['CHILDREN', 'LIST "" % RETURN (CHILDREN)'],
  ['SPECIAL-USE', 'LIST (SPECIAL-USE) "" %'],
  ['CREATE-SPECIAL-USE', 'CREATE x (USE (\\Archive))'],
  ['STATUS=SIZE', 'STATUS INBOX (SIZE)'],
  ['QUOTA=RES-STORAGE', 'STATUS INBOX (DELETED-STORAGE)'],
  ['OBJECTID', 'STATUS INBOX (MAILBOXID)'],
  ['OBJECTID', 'FETCH 1 (EMAILID)'],
  ['APPENDLIMIT', 'STATUS INBOX (APPENDLIMIT)'],
  ['SAVEDATE', 'FETCH 1 SAVEDATE'],
  ['PREVIEW', 'FETCH 1 PREVIEW'],
  ['BINARY', 'FETCH 1 BINARY.PEEK[1]'],
  ['ESEARCH', 'SEARCH RETURN (COUNT) ALL'],
  ['SEARCHRES', 'SEARCH RETURN (SAVE) ALL'],
  ['SEARCHRES', 'SEARCH $'],
  ['SEARCHRES', 'SEARCH UID $'],
  ['WITHIN', 'SEARCH YOUNGER 5'],
  ['WITHIN', 'SEARCH NOT OLDER 5'],
  ['OBJECTID', 'SEARCH EMAILID x'],
  ['SAVEDATE', 'SEARCH SAVEDSINCE 1-Jan-2026'],
  ['PARTIAL', 'SEARCH RETURN (PARTIAL 1:5) ALL'],
  ['PARTIAL', 'UID FETCH 1:* FLAGS (PARTIAL 1:5)'],
  ['MULTISEARCH', 'ESEARCH IN (inboxes) ALL'],
  ['SORT', 'SORT (DATE) UTF-8 ALL'],
  ['ESORT', 'SORT RETURN (COUNT) (DATE) UTF-8 ALL'],
  ['SORT=DISPLAY', 'SORT (DISPLAYFROM) UTF-8 ALL'],
  ['THREAD=REFERENCES', 'THREAD REFERENCES UTF-8 ALL'],
  ['THREAD=ORDEREDSUBJECT', 'THREAD ORDEREDSUBJECT UTF-8 ALL'],
  ['CONDSTORE', 'SELECT INBOX (CONDSTORE)'],
  ['CONDSTORE', 'FETCH 1 FLAGS (CHANGEDSINCE 1)'],
  ['CONDSTORE', 'FETCH 1 MODSEQ'],
  ['CONDSTORE', 'STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)'],
  ['CONDSTORE', 'SEARCH MODSEQ 1'],
  ['CONDSTORE', 'STATUS INBOX (HIGHESTMODSEQ)'],
  ['QRESYNC', 'SELECT INBOX (QRESYNC (1 1))'],
])('without %s', (name, command) => {
  test(`"${command.slice(0, 40).split('\r')[0]}" is no command`, async () => {
    const free = await ImapClient.logIn(server.imap);
    await free.append('INBOX', 'x');
    await free.command('SELECT INBOX');
    server.account.without = new Set([name]);
    const client = await ImapClient.logIn(server.imap);
    await client.command('SELECT INBOX');
    expect(await capabilities(client)).not.toContain(name);
    expect((await client.command(command)).status).toBe('BAD');
    server.account.without = new Set();
    free.close();
    client.close();
  });
});

test('nothing of CONDSTORE, OBJECTID and UIDPLUS stands in answers without them', async () => {
  server.account.without = new Set(['CONDSTORE', 'OBJECTID', 'UIDPLUS']);
  const client = await ImapClient.logIn(server.imap);
  expect((await client.append('INBOX', 'Subject: x\r\n\r\n')).code).toBe('');
  expect((await client.command('CREATE other')).code).toBe('');
  const { untagged } = await client.command('SELECT INBOX');
  expect(untagged.filter((line) => /HIGHESTMODSEQ|MAILBOXID/.test(line))).toEqual([]);
  expect((await client.command('COPY 1 other')).code).toBe('');
  expect((await client.command('REPLACE 1 INBOX {5+}\r\nabc\r\n')).untagged.filter((line) => line.includes('APPENDUID'))).toEqual([]);
  expect((await client.command('MOVE 1 other')).untagged.filter((line) => line.includes('COPYUID'))).toEqual([]);
  client.close();
});

test('ENABLE passes over what is switched off', async () => {
  server.account.without = new Set(['IMAP4REV2', 'UTF8=ACCEPT']);
  const client = await ImapClient.logIn(server.imap);
  expect((await client.command('ENABLE IMAP4rev2 UTF8=ACCEPT')).untagged).toEqual(['* ENABLED']);
  client.close();
});

test("the edge's word reaches the mirror's sessions with the login", async () => {
  const world = makeWorld();
  world.bridge.imapWithout = ['NOTIFY'];
  const over = await startTestServer({ backend: world.mirrors.backend });
  const client = await ImapClient.logIn(over.imap, 'user1', 'right');
  const names = await capabilities(client);
  expect(names).toContain('METADATA');
  expect(names).not.toContain('NOTIFY');
  client.close();
  await over.close();
});

test('JMAPACCESS tells where JMAP is, where there is something to tell', async () => {
  const client = await ImapClient.logIn(server.imap);
  expect(await capabilities(client)).toContain('JMAPACCESS');
  expect((await client.command('GETJMAPACCESS')).untagged).toEqual(['* JMAPACCESS "https://mail.example.test/jmap/session"']);
  client.close();
  const without = await startTestServer();
  const other = await ImapClient.logIn(without.imap);
  expect(await capabilities(other)).not.toContain('JMAPACCESS');
  expect((await other.command('GETJMAPACCESS')).status).toBe('BAD');
  other.close();
  await without.close();
});
