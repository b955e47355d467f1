/** Identities (RFC 8621 §6): from whom an account writes. A destroyed one stays as a tombstone until the horizon. */
import type { Env } from '../../env.ts';
import { moveClock, movedAccount, NEXT } from './clock.ts';
import { mailDatabase } from './database.ts';
import { tellHub } from './hub.ts';
import { idOf, keyOf, keyRange } from './keys.ts';
import type { Account, IdentityRow } from './types.ts';

const EMPTY: Omit<IdentityRow, 'id'> = { name: '', email: '', replyTo: null, bcc: null, textSignature: '', htmlSignature: '' };

export async function readIdentities(env: Env, account: Account): Promise<IdentityRow[]> {
  const sql = 'SELECT key, content FROM identity WHERE key BETWEEN ?1 AND ?2 AND destroyedModseq IS NULL ORDER BY key';
  const statement = mailDatabase(env, account.shard)
    .prepare(sql)
    .bind(...keyRange(account.id));
  const { results } = await statement.run<{ key: number; content: string }>();
  return results.map(({ key, content }) => ({ ...EMPTY, ...(JSON.parse(content) as Partial<IdentityRow>), id: idOf(key) }));
}

/** Creates an identity, or changes the given fields of one. Returns its id; 0 when the one named does not exist. */
export async function setIdentity(env: Env, account: Account, { id, ...fields }: Partial<IdentityRow>): Promise<number> {
  const db = mailDatabase(env, account.shard);
  const content = JSON.stringify(id === undefined ? { ...EMPTY, ...fields } : fields).toWellFormed();
  const write =
    id === undefined
      ? db
          .prepare(
            `INSERT INTO identity (key, modseq, createdModseq, content)
             SELECT id * 4294967296 + nextIdentity - 1, modseq, modseq, ?2 FROM account WHERE id = ?1 RETURNING key`,
          )
          .bind(account.id, content)
      : db
          .prepare(
            `UPDATE identity SET content = json_patch(content, ?2), modseq = ${NEXT}
             WHERE key = ?3 AND destroyedModseq IS NULL RETURNING key`,
          )
          .bind(account.id, content, keyOf(account.id, id));
  const [moved, written] = await db.batch([moveClock(db, account.id, 'Identity', id === undefined ? 'nextIdentity' : undefined), write]);
  const state = movedAccount(moved);
  if (state) await tellHub(env, state);
  const row = (written?.results as { key: number }[] | undefined)?.[0];
  return row ? idOf(row.key) : 0;
}

/** False when there is none. */
export async function destroyIdentity(env: Env, account: Account, id: number): Promise<boolean> {
  const db = mailDatabase(env, account.shard);
  const [moved, written] = await db.batch([
    moveClock(db, account.id, 'Identity'),
    db
      .prepare(`UPDATE identity SET destroyedModseq = ${NEXT}, modseq = ${NEXT} WHERE key = ?2 AND destroyedModseq IS NULL RETURNING key`)
      .bind(account.id, keyOf(account.id, id)),
  ]);
  const state = movedAccount(moved);
  if (state) await tellHub(env, state);
  return (written?.results.length ?? 0) > 0;
}
