/** Every transcript in test/transcripts/smtp, each against a fresh receiver. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'vitest';
import { runTranscript } from '../../support/smtp-transcript.ts';
import { startWorld } from './world.ts';

const folder = path.join(import.meta.dirname, '../../transcripts/smtp');
const plain = (user: string, password: string) => Buffer.from(`\0${user}\0${password}`).toString('base64');
const variables = {
  right: plain('me@example.test', 'secret'),
  wrong: plain('me@example.test', 'guess'),
  user: Buffer.from('me@example.test').toString('base64'),
  password: Buffer.from('secret').toString('base64'),
  long513: `NOOP ${'x'.repeat(506)}`,
  long20000: `NOOP ${'x'.repeat(20_000)}`,
  endless: 'x'.repeat(200_000),
  megabyte: 'x'.repeat(1024 * 1024),
};

describe('SMTP transcripts', () => {
  for (const name of readdirSync(folder)) {
    it(`holds the session of ${name}`, async () => {
      const world = await startWorld();
      try {
        await runTranscript(readFileSync(path.join(folder, name), 'utf8'), { ports: world.ports, variables });
      } finally {
        await world.close();
      }
    });
  }
});
