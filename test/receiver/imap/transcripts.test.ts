/** Every transcript of `test/transcripts/imap`, each against a fresh account in the memory session. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { startTestServer } from '../../support/imap-server.ts';
import { playTranscript } from '../../support/transcript.ts';

const folder = path.join(import.meta.dirname, '../../transcripts/imap');

for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
  test(`the memory session answers as ${file} says`, async () => {
    const server = await startTestServer();
    try {
      await playTranscript(readFileSync(path.join(folder, file), 'utf8'), server.imap);
      expect(server.defects).toEqual([]);
    } finally {
      await server.close();
    }
  });
}
