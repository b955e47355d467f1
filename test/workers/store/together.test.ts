/** Reads that are asked for in the same turn travel together, and fail alone. */
import { env } from 'cloudflare:test';
import { expect, test } from 'vitest';
import { readTogether } from '../../../workers/store/mail/database.ts';

const db = env.MAIL_0;
const number = (value: number) => readTogether<{ value: number }>(db, db.prepare('SELECT ?1 AS value').bind(value));

/** How often `work` asks D1, by statement and by batch. */
async function asked(work: () => Promise<unknown>): Promise<number> {
  const { batch } = db;
  let batches = 0;
  db.batch = ((statements: D1PreparedStatement[]) => {
    batches++;
    return batch.call(db, statements);
  }) as typeof db.batch;
  try {
    await work();
  } finally {
    db.batch = batch;
  }
  return batches;
}

test('reads of one turn are one batch and each gets its own rows', async () => {
  let rows: unknown[] = [];
  const batches = await asked(async () => {
    const late = Promise.resolve().then(() => number(3));
    rows = (await Promise.all([number(1), number(2), late])).map(({ results }) => results[0]?.value);
  });
  expect(rows).toEqual([1, 2, 3]);
  expect(batches).toBe(1);
});

test('a read that D1 refuses fails alone', async () => {
  const wrong = readTogether(db, db.prepare('SELECT nothing FROM nowhere'));
  const [refused, fine] = await Promise.allSettled([wrong, number(7)]);
  expect(refused.status).toBe('rejected');
  expect(fine).toMatchObject({ status: 'fulfilled', value: { results: [{ value: 7 }] } });
});
