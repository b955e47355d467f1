/**
 * Every transcript of `test/transcripts/imap` against a fresh account of one kind of session; then a look at what was heard in all of them: every
 * response code that we can send, every command that we know.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../receiver/imap/commands/index.ts';
import { RESPONSE_CODES } from '../../receiver/imap/wire/codes.ts';
import { Stage, type StagedStore } from './stage.ts';
import { Heard, playTranscript } from './transcript.ts';

const folder = path.join(import.meta.dirname, '../transcripts/imap');

/** Declares the tests. `session`: what answers, in words. */
export function testTranscripts(session: string, makeStore: () => StagedStore): void {
  const heard = new Heard();

  for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
    test(`${session} answers as ${file} says`, async () => {
      const stage = new Stage(makeStore());
      try {
        await playTranscript(readFileSync(path.join(folder, file), 'utf8'), stage, heard);
      } finally {
        expect(await stage.clear()).toEqual([]);
      }
    });
  }

  test('every response code was said in a transcript, and none that the table does not know', () => {
    const names = Object.keys(RESPONSE_CODES);
    const said = [...heard.codes].map((code) => names.find((name) => code === name || code.startsWith(`${name} `)) ?? code);
    expect([...new Set(said)].sort()).toEqual(names.sort());
  });

  test('every command was answered in a transcript, with UID where it may stand before it', () => {
    const forms = [...COMMANDS.values()].flatMap(({ name, uid }) => [...(uid === 'only' ? [] : [name]), ...(uid ? [`UID ${name}`] : [])]);
    expect(forms.filter((form) => !heard.commands.has(form))).toEqual([]);
  });
}
