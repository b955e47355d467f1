/** The bounds of annotations and the codes that tell them (RFC 5464 §4.3). */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { METADATA_CHANGES_MAX, METADATA_ENTRIES_MAX, METADATA_VALUE_MAX } from '../../../shared/metadata.ts';
import { ImapClient } from '../../support/imap-client.ts';
import { startTestServer, type TestServer } from '../../support/imap-server.ts';

let server: TestServer;
let client: ImapClient;
beforeEach(async () => {
  server = await startTestServer();
  client = await ImapClient.logIn(server.imap);
});
afterEach(async () => {
  client.close();
  await server.close();
  expect(server.defects).toEqual([]);
});

function entries(first: number, count: number): string {
  return Array.from({ length: count }, (_each, index) => `/private/vendor/x/${first + index} "v"`).join(' ');
}

test('a value that is too large is refused with MAXSIZE', async () => {
  const most = 'v'.repeat(METADATA_VALUE_MAX);
  expect(await client.command(`SETMETADATA INBOX (/private/comment {${most.length}+}\r\n${most})`)).toMatchObject({ status: 'OK' });
  expect(await client.command(`SETMETADATA INBOX (/private/comment {${most.length + 1}+}\r\n${most}v)`)).toMatchObject({
    status: 'NO',
    code: `METADATA MAXSIZE ${METADATA_VALUE_MAX}`,
  });
});

test('more entries than an account may have are refused with TOOMANY, more than a command may set with LIMIT', async () => {
  expect(await client.command(`SETMETADATA INBOX (${entries(0, METADATA_CHANGES_MAX + 1)})`)).toMatchObject({
    status: 'NO',
    code: 'LIMIT',
  });
  for (let first = 0; first < METADATA_ENTRIES_MAX; first += METADATA_CHANGES_MAX) {
    const count = Math.min(METADATA_CHANGES_MAX, METADATA_ENTRIES_MAX - first);
    expect(await client.command(`SETMETADATA INBOX (${entries(first, count)})`)).toMatchObject({ status: 'OK' });
  }
  expect(await client.command('SETMETADATA "" (/private/vendor/x/more "v")')).toMatchObject({ status: 'NO', code: 'METADATA TOOMANY' });
  expect(await client.command('SETMETADATA INBOX (/private/vendor/x/0 NIL)')).toMatchObject({ status: 'OK' });
  expect(await client.command('SETMETADATA "" (/private/vendor/x/more "v")')).toMatchObject({ status: 'OK' });
});
