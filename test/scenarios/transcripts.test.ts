/**
 * The transcripts of IMAP against the whole product, the real edge behind the real receiver, each with an account of its own. Those
 * that need a stage (`! edge away`) are for the sessions alone.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AdminEdge } from '../../receiver/edge-admin.ts';
import { PASSWORD, SIZE_LIMIT, USER } from '../support/imap-server.ts';
import { type Posthouse, startPosthouse } from '../support/posthouse.ts';
import { parseTranscript, playTranscript } from '../support/transcript.ts';

const folder = path.join(import.meta.dirname, '../transcripts/imap');
/** What is true of the sessions' own server only: the name within base64; no JMAP beside it. */
const OTHERWISE = new Set(['02-login.txt', '18-refusals.txt']);

let posthouse: Posthouse;
let admin: AdminEdge;
beforeAll(async () => {
  posthouse = await startPosthouse({ POSTHOUSE_MESSAGE_SIZE_LIMIT: String(SIZE_LIMIT) });
  admin = new AdminEdge({ url: posthouse.ready.http, token: posthouse.ready.adminToken });
});
afterAll(() => posthouse?.dispose());

const transcripts = readdirSync(folder)
  .filter((name) => !OTHERWISE.has(name))
  .map((name) => ({ name, source: readFileSync(path.join(folder, name), 'utf8') }))
  .filter(({ source }) => parseTranscript(source).every(({ connection }) => connection !== '!'));

let accounts = 0;

test.each(transcripts)('the product answers as $name says', async ({ source }) => {
  // As long as the one in the transcript, for literals; another one when the test is tried again.
  accounts += 1;
  const local = String(accounts).padStart(2, '0');
  const address = USER.replace('me', local);
  expect(address).toHaveLength(USER.length);
  await admin.addAccount(address, PASSWORD);
  const theirs = source.replaceAll(USER, address).replaceAll('"me" "example.test"', `"${local}" "example.test"`);
  await playTranscript(theirs, { port: async () => posthouse.ready.imap });
});
