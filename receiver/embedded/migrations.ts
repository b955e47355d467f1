/**
 * Which migrations a local database still lacks. The table is the one `wrangler d1 migrations apply` keeps,
 * so a local database and a deployed one tell the same story.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** The little of D1 that is needed here. */
interface Database {
  prepare(sql: string): D1PreparedStatement;
  exec(sql: string): Promise<unknown>;
}

export interface Migration {
  name: string;
  sql: string;
  /** Records it as applied; goes into the migration's own batch. */
  mark: D1PreparedStatement;
}

/** The migrations in `folder` that `database` has not seen, in order. */
export async function pendingMigrations(database: Database, folder: string): Promise<Migration[]> {
  await database.exec(
    'CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)',
  );
  const { results } = await database.prepare('SELECT name FROM d1_migrations').all<{ name: string }>();
  const applied = new Set(results.map(({ name }) => name));
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql') && !applied.has(name)).sort();
  return Promise.all(
    names.map(async (name) => ({
      name,
      sql: await readFile(path.join(folder, name), 'utf8'),
      mark: database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name),
    })),
  );
}
