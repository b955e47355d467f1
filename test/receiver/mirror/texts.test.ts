/** The file of texts that SEARCH TEXT and BODY look through: exact, checked, disposable (RFC 9051 §6.4.4, DESIGN.md invariant 5). */
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Texts, type TextsOptions } from '../../../receiver/mirror/texts/index.ts';
import { scratchFolder } from './harness.ts';

const noPause = async () => {};

function makeTexts(options: Partial<TextsOptions> = {}): Texts {
  const texts = new Texts({ path: path.join(scratchFolder(), '1.texts'), generation: 'first', isLive: () => true, ...options });
  onTestFinished(() => texts.close());
  return texts;
}

/** Emails 1 … n in the order of `texts`. */
async function fill(texts: Texts, entries: { header: string; body: string[] }[]): Promise<void> {
  for (const [index, entry] of entries.entries()) await texts.keep(index + 1, entry);
}

async function found(texts: Texts, scope: 'text' | 'body', text: string, emails: number[]): Promise<number[]> {
  const answer = await texts.scan(scope, text, emails, noPause);
  expect(answer.unread).toEqual([]);
  return answer.found.map((position) => emails[position] ?? 0).sort((a, b) => a - b);
}

const LETTERS = [
  { header: 'SUBJECT: ONE', body: ['ALPHA BETA', 'GAMMA'] },
  { header: 'SUBJECT: TWO ALPHA', body: ['天气预报'] },
  { header: '', body: [] },
];

describe('a text file', () => {
  test('finds substrings in headers and bodies, never across two parts', async () => {
    const texts = makeTexts();
    await fill(texts, LETTERS);
    expect(await found(texts, 'text', 'ALPHA', [1, 2, 3])).toEqual([1, 2]);
    expect(await found(texts, 'body', 'ALPHA', [1, 2, 3])).toEqual([1]);
    expect(await found(texts, 'text', 'BETAGAMMA', [1, 2, 3])).toEqual([]);
    expect(await found(texts, 'text', 'ONEALPHA', [1, 2, 3])).toEqual([]);
    expect(await found(texts, 'body', '气', [3, 2])).toEqual([2]);
    expect(await found(texts, 'body', 'ALPHA', [2])).toEqual([]);
  });

  test('says of what it does not have that it is unread', async () => {
    const texts = makeTexts();
    await fill(texts, LETTERS);
    expect(await texts.scan('text', 'ALPHA', [7, 1, undefined], noPause)).toEqual({ found: [1], unread: [0, 2] });
  });

  test('finds what looking at each text alone finds', async () => {
    const letter = fc.string({ unit: fc.constantFrom('A', 'B', 'AB', 'é', '天', ' '), maxLength: 12 });
    const letters = fc.array(fc.record({ header: letter, body: fc.array(letter, { maxLength: 3 }) }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(letters, letter, fc.constantFrom('text' as const, 'body' as const), async (entries, text, scope) => {
        fc.pre(text !== '');
        const texts = makeTexts();
        await fill(texts, entries);
        const wanted = entries.flatMap(({ header, body }, index) =>
          [...(scope === 'text' ? [header] : []), ...body].some((part) => part.includes(text)) ? [index + 1] : [],
        );
        expect(
          await found(
            texts,
            scope,
            text,
            entries.map((_, index) => index + 1),
          ),
        ).toEqual(wanted);
      }),
      { numRuns: 60 },
    );
  });

  test('finds what lies at the edges of its windows', async () => {
    const texts = makeTexts();
    const long = (mark: string) => ({ header: `${mark}S`, body: ['X'.repeat(900_000), `${mark}E`] });
    await fill(texts, ['A', 'B', 'C', 'D', 'E'].map(long));
    for (const mark of ['A', 'C', 'E']) {
      expect(await found(texts, 'text', `${mark}S`, [1, 2, 3, 4, 5])).toEqual([mark.charCodeAt(0) - 64]);
      expect(await found(texts, 'body', `${mark}E`, [1, 2, 3, 4, 5])).toEqual([mark.charCodeAt(0) - 64]);
    }
    expect(await found(texts, 'body', 'XXXX', [5, 1, 3])).toEqual([1, 3, 5]);
  });

  test('leaves out what is too long, and stops when it is full', async () => {
    const texts = makeTexts({ max: 2000 });
    await texts.keep(1, { header: '', body: ['X'.repeat(1_100_000)] });
    expect(texts.has(1)).toBe(false);
    for (let email = 2; email < 9; email++) await texts.keep(email, { header: '', body: ['Y'.repeat(600)] });
    expect([2, 3, 4, 5, 6, 7, 8].filter((email) => texts.has(email))).toEqual([2, 3, 4]);
    expect(texts.full).toBe(true);
    expect(texts.octets).toBeLessThanOrEqual(2000);
  });
});

describe('a text file that was there before', () => {
  async function filled(): Promise<{ path: string }> {
    const file = path.join(scratchFolder(), '1.texts');
    const texts = makeTexts({ path: file });
    await fill(texts, LETTERS);
    await texts.close();
    return { path: file };
  }

  test('is used again', async () => {
    const texts = makeTexts(await filled());
    expect(await found(texts, 'text', 'ALPHA', [1, 2, 3])).toEqual([1, 2]);
    await texts.keep(4, { header: 'ALPHA', body: [] });
    expect(await found(texts, 'text', 'ALPHA', [1, 2, 3, 4])).toEqual([1, 2, 4]);
  });

  test('of another mirror is thrown away', async () => {
    const texts = makeTexts({ ...(await filled()), generation: 'second' });
    expect((await texts.scan('text', 'ALPHA', [1, 2], noPause)).unread).toEqual([0, 1]);
    await texts.keep(1, { header: 'NEW', body: [] });
    expect(await found(texts, 'text', 'NEW', [1])).toEqual([1]);
  });

  test('is cut at the first damage, and grows on from there', async () => {
    const file = await filled();
    truncateSync(file.path, statSync(file.path).size - 3);
    const cut = makeTexts(file);
    expect(await cut.scan('text', 'ALPHA', [1, 2, 3], noPause)).toEqual({ found: [0, 1], unread: [2] });
    await cut.close();
    const octets = readFileSync(file.path);
    octets[octets.indexOf('BETA')] = 0x58;
    writeFileSync(file.path, octets);
    const damaged = makeTexts(file);
    expect(await damaged.scan('text', 'ALPHA', [1, 2], noPause)).toEqual({ found: [], unread: [0, 1] });
    await fill(damaged, LETTERS);
    expect(await found(damaged, 'text', 'BETA', [1, 2, 3])).toEqual([1]);
  });

  test('that is garbage, or mostly about mail that is gone, begins anew', async () => {
    const file = await filled();
    writeFileSync(file.path, Buffer.alloc(5000, 0x7f));
    const garbage = makeTexts(file);
    expect((await garbage.scan('text', 'ALPHA', [1], noPause)).unread).toEqual([0]);
    await fill(garbage, LETTERS);
    await garbage.close();
    const dead = makeTexts({ ...file, isLive: (email) => email === 3 });
    await dead.open();
    expect([1, 2, 3].filter((email) => dead.has(email))).toEqual([]);
  });
});
