/**
 * Hostile input in each of the four states (RFC 9051 §3), and compressed: octets at random, commands that are nearly right, and right
 * ones with one octet changed. The server must answer or close with a reason, stay up, log no defect, grow by little, and serve the
 * next client. `npm run fuzz` sets FUZZ_RUNS and takes longer.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ImapClient } from '../../support/imap-client.ts';
import { PASSWORD, startTestServer, type TestServer, USER } from '../../support/imap-server.ts';

const RUNS = Number(process.env.FUZZ_RUNS ?? 40);
/** A run takes some 20 ms on a quiet machine. */
const TIMEOUT_MS = Math.max(60_000, RUNS * 500);
/** What the process may have grown by after all runs: caches and garbage, but nothing per run. */
const GROWTH_MAX = 200 * 1024 * 1024;

let server: TestServer;
let started = 0;
beforeAll(async () => {
  server = await startTestServer({ messageSizeLimit: 100_000 });
  started = process.memoryUsage().rss;
});
afterAll(async () => {
  await server.close();
});

const STATES: Record<string, string[]> = {
  'not authenticated': [],
  authenticated: [`LOGIN ${USER} ${PASSWORD}`],
  selected: [`LOGIN ${USER} ${PASSWORD}`, 'APPEND INBOX {12+}\r\nSubject: x\r\n', 'SELECT INBOX'],
  compressed: [`LOGIN ${USER} ${PASSWORD}`, 'SELECT INBOX', 'COMPRESS DEFLATE'],
  notified: [
    `LOGIN ${USER} ${PASSWORD}`,
    'SELECT INBOX',
    'NOTIFY SET (selected (MessageNew (UID FLAGS) MessageExpunge FlagChange)) (personal (MailboxName))',
  ],
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
  ...'SET (selected (personal (mailboxes (subtree (MessageNew MessageExpunge) FlagChange)) NONE) ((MailboxName)) (MAXSIZE 9 (DEPTH infinity)'.split(
    ' ',
  ),
  ...'/private/comment (/shared/comment "x") /private//x (METADATA (/a/b)) (CHANGEDSINCE 1) (UNCHANGEDSINCE 0) (QRESYNC (1 1)) MODSEQ (PARTIAL 1:9)'.split(
    ' ',
  ),
  ...'IMAP4rev2 QRESYNC CONDSTORE UIDONLY METADATA (SUBJECT DATE) REVERSE REFERENCES ORDEREDSUBJECT US-ASCII IN (mailboxes DEFLATE (STORAGE'.split(
    ' ',
  ),
  ...'SCRAM-SHA-256 SCRAM-SHA-256-PLUS OAUTHBEARER PLAIN = biwsbj1hLHI9Yg== bixhPXgsAWF1dGg9QmVhcmVyIHgBAQ== biwsAQ=='.split(' '),
);
const name = fc.constantFrom(
  ...'NOOP CAPABILITY ID LOGIN AUTHENTICATE SELECT EXAMINE CREATE DELETE RENAME SUBSCRIBE LIST LSUB STATUS APPEND CHECK CLOSE'.split(' '),
  ...'EXPUNGE SEARCH FETCH STORE COPY MOVE UID ENABLE IDLE NAMESPACE UNSELECT'.split(' '),
  ...'COMPRESS GETQUOTA GETQUOTAROOT SETQUOTA GETMETADATA SETMETADATA NOTIFY REPLACE GETJMAPACCESS SORT THREAD ESEARCH'.split(' '),
  'NOTIFY SET',
  'UID REPLACE',
  'UID SORT',
  'UID THREAD',
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
/** Commands that are right, so that one changed octet reaches deep. */
const RIGHT = [
  'NOTIFY SET STATUS (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (From)]) MessageExpunge)) (subtree (a b) (MailboxName))',
  'LIST (SUBSCRIBED RECURSIVEMATCH) "" ("*" INBOX) RETURN (STATUS (MESSAGES UIDNEXT) METADATA (/shared/comment))',
  'SETMETADATA INBOX (/private/comment {3+}\r\nabc /shared/vendor/x/y NIL)',
  'GETMETADATA (MAXSIZE 10 DEPTH 1) "" (/private /shared)',
  'APPEND INBOX (\\Seen) " 1-Feb-2026 00:00:00 +0000" ~{5+}\r\nSubj:',
  'UID FETCH 1:* (UID FLAGS BODY.PEEK[1.HEADER.FIELDS (Subject)]<0.10> BINARY.SIZE[1]) (CHANGEDSINCE 1)',
  'SEARCH RETURN (MIN MAX PARTIAL 1:2) CHARSET UTF-8 OR NOT (SUBJECT {1+}\r\nx TEXT "y") SMALLER 3',
  'REPLACE 1 INBOX (\\Flagged) {3+}\r\nx:y',
  'AUTHENTICATE SCRAM-SHA-256 biwsbj1tZSxyPWFiYw==',
];
const mutated = fc.tuple(fc.constantFrom(...RIGHT), fc.nat(200), fc.nat(255), fc.boolean()).map(([text, at, code, replaces]) => {
  const place = at % (text.length + 1);
  return `m ${text.slice(0, place)}${String.fromCharCode(code)}${text.slice(place + (replaces ? 1 : 0))}\r\n`;
});
const octets = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const mixed = fc
  .array(fc.oneof(grammatical, octets, fc.constantFrom('\r\n', 'a {5}\r\n', 'DONE\r\n', '*\r\n', '\0')), { maxLength: 6 })
  .map((pieces) => pieces.join(''));

describe.each(Object.entries(STATES))('in the state "%s"', (_state, before) => {
  test.each([
    ['commands that are nearly right', grammatical],
    ['octets at random', octets],
    ['a mixture', mixed],
    ['right commands with one octet changed', mutated],
  ])(
    '%s do no harm',
    async (_kind, input) => {
      await fc.assert(
        fc.asyncProperty(input, async (bytes) => {
          const client = await ImapClient.open(server.imap);
          await client.response();
          for (const preparation of before) await client.command(preparation);
          if (before.some((preparation) => preparation.startsWith('COMPRESS'))) client.startCompression();
          client.send(bytes);
          // Ends whatever the input left open: a literal, IDLE, an exchange. Then the server must answer or have said BYE.
          client.send(`\r\n${'\r\n'.repeat(120)}DONE\r\n*\r\nend LOGOUT\r\n`);
          client.end();
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
    TIMEOUT_MS,
  );
});

test('after all of it the process has not grown by what it was sent', () => {
  expect(process.memoryUsage().rss - started).toBeLessThan(GROWTH_MAX);
});
