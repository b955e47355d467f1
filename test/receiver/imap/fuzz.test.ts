/**
 * Hostile input in each of the four states (RFC 9051 §3): octets at random and commands that are nearly right. The server must
 * answer or close with a reason, stay up, log no defect, and serve the next client. `FUZZ_RUNS` makes it longer.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ImapClient } from '../../support/imap-client.ts';
import { PASSWORD, startTestServer, type TestServer, USER } from '../../support/imap-server.ts';

const RUNS = Number(process.env.FUZZ_RUNS ?? 60);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ messageSizeLimit: 100_000 });
});
afterAll(async () => {
  await server.close();
});

const STATES: Record<string, string[]> = {
  'not authenticated': [],
  authenticated: [`LOGIN ${USER} ${PASSWORD}`],
  selected: [`LOGIN ${USER} ${PASSWORD}`, 'APPEND INBOX {12+}\r\nSubject: x\r\n', 'SELECT INBOX'],
  'logged out': ['LOGOUT'],
};

const word = fc.constantFrom(
  ...'INBOX * % $ 1 1:* 2,4:9 0 4294967296 FLAGS BODY[] BODY.PEEK[1.2.HEADER.FIELDS BODY[TEXT]<0.99999999999> ENVELOPE RFC822 ALL NOT OR UID'.split(
    ' ',
  ),
  ...'(FLAGS) +FLAGS -FLAGS.SILENT \\Seen (\\Deleted) $Work RETURN (MIN MAX) CHARSET UTF-8 SUBJECT NIL "" "a\\"b" "open {0} {3} {3+} ~{2+} {99999999}'.split(
    ' ',
  ),
  ...'BEFORE 1-Feb-2026 SENTON 32-Foo-0000 KEYWORD LARGER 99999999999999999999 HEADER X &U,BTFw- &bad INBOX/a//b UTF8 (~{1+} STATUS (MESSAGES UIDNEXT)'.split(
    ' ',
  ),
);
const name = fc.constantFrom(
  ...'NOOP CAPABILITY ID LOGIN AUTHENTICATE SELECT EXAMINE CREATE DELETE RENAME SUBSCRIBE LIST LSUB STATUS APPEND CHECK CLOSE'.split(' '),
  ...'EXPUNGE SEARCH FETCH STORE COPY MOVE UID ENABLE IDLE NAMESPACE UNSELECT'.split(' '),
  'UID FETCH',
  'UID STORE',
  'UID SEARCH',
  'UID EXPUNGE',
  'UID COPY',
);
const command = fc.tuple(
  name,
  fc.array(fc.oneof({ weight: 8, arbitrary: word }, { weight: 1, arbitrary: fc.string({ maxLength: 6 }) }), { maxLength: 6 }),
);
const grammatical = fc
  .array(command, { minLength: 1, maxLength: 12 })
  .map((commands) => commands.map(([verb, words], index) => `f${index} ${[verb, ...words].join(' ')}\r\n`).join(''));
const octets = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const mixed = fc
  .array(fc.oneof(grammatical, octets, fc.constantFrom('\r\n', 'a {5}\r\n', 'DONE\r\n', '*\r\n', '\0')), { maxLength: 6 })
  .map((pieces) => pieces.join(''));

describe.each(Object.entries(STATES))('in the state "%s"', (_state, before) => {
  test.each([
    ['commands that are nearly right', grammatical],
    ['octets at random', octets],
    ['a mixture', mixed],
  ])(
    '%s do no harm',
    async (_kind, input) => {
      await fc.assert(
        fc.asyncProperty(input, async (bytes) => {
          const client = await ImapClient.open(server.imap);
          await client.response();
          for (const preparation of before) await client.command(preparation);
          client.send(bytes);
          // Ends whatever the input left open: a literal, IDLE, an exchange. Then the server must answer or have said BYE.
          client.send(`\r\n${'\r\n'.repeat(120)}DONE\r\n*\r\nend LOGOUT\r\n`);
          client.socket.end();
          const last: string[] = [];
          for (let line = await client.line(); line !== null; line = await client.line()) last.push(line);
          expect(client.ended).toBe(true);
          client.close();
          expect(server.defects).toEqual([]);
        }),
        { numRuns: RUNS },
      );
      const next = await ImapClient.logIn(server.imap);
      expect((await next.command('STATUS INBOX (MESSAGES)')).status).toBe('OK');
      next.close();
    },
    60_000,
  );
});
