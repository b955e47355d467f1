/** Every transcript of `test/transcripts/imap`, each against a fresh account behind the mirror: the answers are those of the memory session. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { DEFAULT_MAILBOXES } from '../../../shared/roles.ts';
import { PASSWORD, startTestServer, USER } from '../../support/imap-server.ts';
import { playTranscript } from '../../support/transcript.ts';
import { makeWorld } from './harness.ts';

const folder = path.join(import.meta.dirname, '../../transcripts/imap');

for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
  test(`the mirror answers as ${file} says`, async () => {
    const world = makeWorld();
    for (const { name, role } of DEFAULT_MAILBOXES.slice(1)) world.account.createMailbox(name, { role, subscribed: true });
    const { backend } = world.mirrors;
    const server = await startTestServer({
      backend: {
        ...backend,
        login: async (username, password, connection) =>
          username === USER && password === PASSWORD ? backend.login('user1', 'right', connection) : null,
        bearer: async (username, token, connection) =>
          username === USER && token === PASSWORD ? backend.login('user1', 'right', connection) : null,
      },
    });
    try {
      await playTranscript(readFileSync(path.join(folder, file), 'utf8'), server.imap);
      expect(server.defects).toEqual([]);
    } finally {
      await server.close();
    }
  });
}
