/**
 * Uploads: originals that nothing points to yet (RFC 8620 §6). Each is condemned from the beginning, for a time that lies
 * ahead; whatever points to it takes the mark away (mail/write.ts), else the sweep deletes it. An account has a number of
 * them; beyond it the oldest go first, as the RFC asks.
 */
import type { Env } from '../env.ts';
import { GRACE_MS } from './condemned.ts';
import { mailDatabase } from './mail/database.ts';
import type { Account } from './mail/types.ts';

/** How long an upload waits to be used; the RFC asks for an hour, and a message may lie open in a browser for days. */
export const UPLOAD_LIFE_MS = 7 * 86_400_000;
/** Unused uploads of one account: many times what a message can have, few enough to be counted at every upload. */
export const UPLOADS_MAX = 256;

/**
 * Notes that a digest is uploaded, before its octets are put. False: an original of that digest is being deleted at this
 * moment, and would be gone right after. One statement.
 */
export async function noteUpload(env: Env, account: Account, sha256: string, now = Date.now()): Promise<boolean> {
  const deleting = await mailDatabase(env, account.shard)
    .prepare(
      `INSERT INTO condemned (account, sha256, at) SELECT ?1, ?2, ?3
       WHERE NOT EXISTS (SELECT 1 FROM email WHERE account = ?1 AND sha256 = ?2 AND gone = 0)
       AND NOT EXISTS (SELECT 1 FROM submission WHERE account = ?1 AND sha256 = ?2)
       ON CONFLICT (account, sha256) DO UPDATE SET at = CASE deleting WHEN 0 THEN excluded.at ELSE condemned.at END
       RETURNING deleting`,
    )
    .bind(account.id, sha256, now + UPLOAD_LIFE_MS - GRACE_MS)
    .first<number>('deleting');
  return deleting !== 1;
}

/** Lets the oldest of too many unused uploads go with the next sweep. One statement, which reads the account's marks. */
export async function trimUploads(env: Env, account: Account, now = Date.now()): Promise<void> {
  await mailDatabase(env, account.shard)
    .prepare(
      `UPDATE condemned SET at = ?2 WHERE account = ?1 AND sha256 IN (
         SELECT sha256 FROM condemned WHERE account = ?1 AND deleting = 0 AND at > ?3 ORDER BY at DESC LIMIT -1 OFFSET ?4)`,
    )
    .bind(account.id, now - GRACE_MS, now, UPLOADS_MAX)
    .run();
}
