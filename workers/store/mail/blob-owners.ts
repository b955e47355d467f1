/** Which emails have an original: the way back from a digest (RFC 9404 §4.3). One query over the index of digests. */
import type { Env } from '../../env.ts';
import { mailDatabase } from './database.ts';
import { idOf } from './keys.ts';
import type { Account } from './types.ts';

/** Emails told of in all: the same message a thousand times over is no mailbox. */
const OWNERS_MAX = 2000;

export interface BlobOwner {
  sha256: string;
  email: number;
  thread: number;
  mailboxes: number[];
}

/** Emails that JMAP sees whose originals are among `digests`. */
export async function readBlobOwners(env: Env, account: Account, digests: readonly string[]): Promise<BlobOwner[]> {
  const { results } = await mailDatabase(env, account.shard)
    .prepare(
      `SELECT sha256, key, thread, mailboxes FROM email
       WHERE account = ?1 AND sha256 IN (SELECT value FROM json_each(?2)) AND gone = 0 AND live = 1 ORDER BY key LIMIT ?3`,
    )
    .bind(account.id, JSON.stringify(digests), OWNERS_MAX)
    .run<{ sha256: string; key: number; thread: number; mailboxes: string }>();
  return results.map(({ sha256, key, thread, mailboxes }) => {
    return { sha256, email: idOf(key), thread: idOf(thread), mailboxes: JSON.parse(mailboxes) as number[] };
  });
}
