/**
 * The D1 database an account's mail lies in, and what D1 asks of those who use it: lists travel as one JSON
 * parameter (100 bound parameters at most), in chunks below its size limits.
 */
import type { Env } from '../../env.ts';

/** Items in one `json_each` parameter. */
const CHUNK_ITEMS_MAX = 1000;
/** Characters of JSON in one parameter: D1 takes 2 MB a value, and a character may take two octets or more. */
const CHUNK_LENGTH_MAX = 700_000;

/** The database of a shard. */
export function mailDatabase(env: Env, shard: number): D1Database {
  if (shard !== 0) throw new RangeError(`no MAIL database for shard ${shard}`);
  return env.MAIL_0;
}

/** Every MAIL database, in the order of their shards. */
export function mailDatabases(env: Env): D1Database[] {
  return [env.MAIL_0];
}

/** One statement per chunk of `items`; none when there are no items. `?1` is the chunk. */
export function eachChunk(db: D1Database, sql: string, items: readonly unknown[], ...parameters: unknown[]): D1PreparedStatement[] {
  return chunks(items).map((json) => db.prepare(sql).bind(json, ...parameters));
}

/** JSON arrays of at most 1,000 items and well under 2 MB, but for a single item that is larger. */
function chunks(items: readonly unknown[]): string[] {
  const result: string[] = [];
  let texts: string[] = [];
  let length = 0;
  for (const item of items) {
    const text = JSON.stringify(item);
    if (texts.length > 0 && (texts.length >= CHUNK_ITEMS_MAX || length + text.length > CHUNK_LENGTH_MAX)) {
      result.push(`[${texts.join(',')}]`);
      texts = [];
      length = 0;
    }
    texts.push(text);
    length += text.length;
  }
  if (texts.length > 0) result.push(`[${texts.join(',')}]`);
  return result;
}

/** Runs the statements that are there as one batch; their results under the same names. */
export async function batchNamed<Name extends string>(
  db: D1Database,
  statements: Record<Name, D1PreparedStatement | null>,
): Promise<Partial<Record<Name, D1Result>>> {
  const named = (Object.entries(statements) as [Name, D1PreparedStatement | null][]).flatMap(([name, statement]) =>
    statement ? [{ name, statement }] : [],
  );
  const results = await db.batch(named.map(({ statement }) => statement));
  return Object.fromEntries(named.map(({ name }, index) => [name, results[index]])) as Partial<Record<Name, D1Result>>;
}

/** The rows of one statement of a batch. */
export function rowsOf<Row>(result: D1Result | undefined): Row[] {
  return (result?.results ?? []) as Row[];
}

interface Read {
  statement: D1PreparedStatement;
  settle: (result: Promise<D1Result>) => void;
}

const gathering = new WeakMap<D1Database, Read[]>();
/** Promises that resolve at once between what one turn asks for first and what it asks for last. */
const HOPS = 12;

/**
 * Runs a statement that reads. Those asked for in the same turn travel to D1 as one batch: one round trip, and one moment of the
 * database, so that a state read beside its data is neither older nor newer than they are.
 */
export function readTogether<Row>(db: D1Database, statement: D1PreparedStatement): Promise<D1Result<Row>> {
  return new Promise((resolve) => {
    const read: Read = { statement, settle: (result) => resolve(result as Promise<D1Result<Row>>) };
    const reads = gathering.get(db);
    if (reads) reads.push(read);
    else {
      gathering.set(db, [read]);
      void send(db);
    }
  });
}

async function send(db: D1Database): Promise<void> {
  for (let hop = 0; hop < HOPS; hop++) await undefined;
  const reads = gathering.get(db) ?? [];
  gathering.delete(db);
  if (reads.length === 1) return sendAlone(reads);
  try {
    const results = await db.batch(reads.map(({ statement }) => statement));
    for (const [index, { settle }] of reads.entries()) settle(Promise.resolve(results[index] as D1Result));
  } catch {
    // One that fails must not fail the others.
    sendAlone(reads);
  }
}

function sendAlone(reads: readonly Read[]): void {
  for (const { statement, settle } of reads) settle(statement.run());
}
