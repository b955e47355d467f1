/** What D1 counts while some work runs: rows read and written, and queries, from each result's own `meta`. */

export interface Cost {
  read: number;
  written: number;
  queries: number;
}

/** Runs `work` and sums what its statements cost on `db`. Statements run by `first` are run by `all`, which has a `meta`. */
export async function cost(db: D1Database, work: () => Promise<unknown>): Promise<Cost> {
  const total: Cost = { read: 0, written: 0, queries: 0 };
  const count = (result: D1Result) => {
    total.read += result.meta.rows_read;
    total.written += result.meta.rows_written;
    total.queries++;
    return result;
  };
  const { prepare, batch } = db;
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
    const { bind, run, all } = statement;
    const counted = {
      bind: (...values: unknown[]) => wrap(bind.call(statement, ...values)),
      run: async () => count(await run.call(statement)),
      all: async () => count(await all.call(statement)),
      first: async (column?: string) => {
        const row = count(await all.call(statement)).results[0] as Record<string, unknown> | undefined;
        return row === undefined ? null : column === undefined ? row : row[column];
      },
    };
    return Object.assign(statement, counted) as D1PreparedStatement;
  };
  db.prepare = (sql: string) => wrap(prepare.call(db, sql));
  db.batch = (async (statements: D1PreparedStatement[]) => (await batch.call(db, statements)).map(count)) as typeof db.batch;
  try {
    await work();
  } finally {
    Object.assign(db, { prepare, batch });
  }
  return total;
}

export async function rowsRead(db: D1Database, work: () => Promise<unknown>): Promise<number> {
  return (await cost(db, work)).read;
}
