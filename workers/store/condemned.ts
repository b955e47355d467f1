/**
 * Sweeping originals (invariant 2) in two passes: what no row points to is marked as condemned, a day later the object is
 * deleted, then its mark. A batch that points to a condemned original takes the mark away; once the mark says that the
 * object is being deleted, the batch is undone and its caller puts the object again (mail/write.ts).
 */
import type { Env } from '../env.ts';
import { blobKey, SPOOL_PREFIX } from './blobs.ts';
import { mailDatabases } from './mail/database.ts';

/** Between the mark and the deletion. */
export const GRACE_MS = 86_400_000;
/** An original without a row may be an upload that is about to be used. */
const UNUSED_MS = 7 * 86_400_000;
/** An upload that is still being spooled is younger. */
const SPOOLED_MS = 3_600_000;
/** Objects per run: one subrequest deletes them all. */
const DELETED_MAX = 500;
const LISTED_MAX = 500;

interface Mark {
  account: number;
  sha256: string;
}

/** Deletes originals condemned a day ago. */
export async function deleteCondemned(env: Env, now: number): Promise<number> {
  let deleted = 0;
  for (const db of mailDatabases(env)) {
    const due = 'SELECT account, sha256 FROM condemned WHERE deleting = 1 OR at <= ?1 LIMIT ?2';
    const { results } = await db
      .prepare(
        `UPDATE condemned SET deleting = 1 WHERE (account, sha256) IN (${due})
         AND NOT EXISTS (SELECT 1 FROM email e WHERE e.account = condemned.account AND e.sha256 = condemned.sha256 AND e.gone = 0)
         AND NOT EXISTS (SELECT 1 FROM submission s WHERE s.account = condemned.account AND s.sha256 = condemned.sha256)
         AND NOT EXISTS (SELECT 1 FROM submission_report r WHERE r.account = condemned.account AND r.sha256 = condemned.sha256) RETURNING account, sha256`,
      )
      .bind(now - GRACE_MS, DELETED_MAX)
      .run<Mark>();
    if (results.length === 0) continue;
    await env.ORIGINALS.delete(results.map(({ account, sha256 }) => blobKey(account, sha256)));
    const marks = JSON.stringify(results.map(({ account, sha256 }) => [account, sha256]));
    await db.prepare('DELETE FROM condemned WHERE (account, sha256) IN (SELECT value->>0, value->>1 FROM json_each(?1))').bind(marks).run();
    deleted += results.length;
  }
  return deleted;
}

/** Condemns originals that no row points to: uploads never used, mail of accounts that were removed. One page a run. */
export async function condemnUnused(env: Env, now: number): Promise<number> {
  const [db] = mailDatabases(env);
  if (!db) return 0;
  const cursor = await db.prepare("SELECT position FROM sweep WHERE name = 'originals'").first<string>('position');
  const page = await env.ORIGINALS.list({ limit: LISTED_MAX, ...(cursor ? { cursor } : {}) });
  const left = page.objects.filter(({ key, uploaded }) => key.startsWith(SPOOL_PREFIX) && uploaded.getTime() <= now - SPOOLED_MS);
  if (left.length > 0) await env.ORIGINALS.delete(left.map(({ key }) => key));
  const old = page.objects.filter(({ uploaded }) => uploaded.getTime() <= now - UNUSED_MS).flatMap(({ key }) => markOf(key));
  const position = page.truncated ? page.cursor : '';
  const [marked] = await db.batch([
    db
      .prepare(
        `INSERT INTO condemned (account, sha256, at) SELECT value->>0, value->>1, ?2 FROM json_each(?1) j
         WHERE NOT EXISTS (SELECT 1 FROM email e WHERE e.account = j.value->>0 AND e.sha256 = j.value->>1 AND e.gone = 0)
         AND NOT EXISTS (SELECT 1 FROM submission s WHERE s.account = j.value->>0 AND s.sha256 = j.value->>1)
         AND NOT EXISTS (SELECT 1 FROM submission_report r WHERE r.account = j.value->>0 AND r.sha256 = j.value->>1)
         ON CONFLICT (account, sha256) DO NOTHING RETURNING account`,
      )
      .bind(JSON.stringify(old), now),
    db
      .prepare("INSERT INTO sweep (name, position) VALUES ('originals', ?1) ON CONFLICT (name) DO UPDATE SET position = excluded.position")
      .bind(position),
  ]);
  return marked?.results.length ?? 0;
}

function markOf(key: string): [number, string][] {
  const match = /^(\d{1,7})\/([0-9a-f]{64})$/.exec(key);
  return match ? [[Number(match[1]), match[2] ?? '']] : [];
}
