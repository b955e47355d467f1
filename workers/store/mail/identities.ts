/** Identities (RFC 8621 §6): from whom an account writes. A destroyed one stays as a tombstone until the horizon. */
import type { Env } from '../../env.ts';
import { movedAccount, NEXT } from './clock.ts';
import { eachChunk, mailDatabase, rowsOf } from './database.ts';
import { tellHub } from './hub.ts';
import { idOf, keyOf, keyRange } from './keys.ts';
import { type Account, type IdentityChange, type IdentityRow, StateMismatch } from './types.ts';

const EMPTY: Omit<IdentityRow, 'id'> = { name: '', email: '', replyTo: null, bcc: null, textSignature: '', htmlSignature: '' };

export async function readIdentities(env: Env, account: Account): Promise<IdentityRow[]> {
  const sql = 'SELECT key, content FROM identity WHERE key BETWEEN ?1 AND ?2 AND destroyedModseq IS NULL ORDER BY key';
  const statement = mailDatabase(env, account.shard)
    .prepare(sql)
    .bind(...keyRange(account.id));
  const { results } = await statement.run<{ key: number; content: string }>();
  return results.map(({ key, content }) => ({ ...EMPTY, ...(JSON.parse(content) as Partial<IdentityRow>), id: idOf(key) }));
}

/** The clock does not move, and the batch is undone, when the identities are at another state than `?2`. */
const MOVE_CLOCK = `UPDATE account SET modseq = CASE WHEN ?2 IS NULL OR identityModseq = ?2 THEN modseq + 1 END,
  identityModseq = modseq + 1, nextIdentity = nextIdentity + ?3 WHERE id = ?1 RETURNING *`;
const INSERT = `INSERT INTO identity (key, modseq, createdModseq, content)
  SELECT a.id * 4294967296 + a.nextIdentity - ?3 + (j.value->>'at'), a.modseq, a.modseq, j.value->>'content'
  FROM json_each(?1) j, account a WHERE a.id = ?2`;
const UPDATE = `UPDATE identity SET content = j.value->>'content', modseq = (SELECT modseq FROM account WHERE id = ?2)
  FROM json_each(?1) j WHERE identity.key = j.value->>'key' AND destroyedModseq IS NULL RETURNING identity.key`;
const DESTROY = `UPDATE identity SET destroyedModseq = ${NEXT}, modseq = ${NEXT}
  WHERE key IN (SELECT value FROM json_each(?2)) AND destroyedModseq IS NULL RETURNING key`;

/**
 * Makes, replaces and destroys identities in one batch. Answers the ids of those made, in order, and of those that were there
 * to be changed. Throws `StateMismatch` when `ifInState` is not the state of the identities.
 */
export async function changeIdentities(
  env: Env,
  account: Account,
  { create = [], update = [], destroy = [] }: IdentityChange,
  ifInState: string | null = null,
): Promise<{ created: number[]; changed: ReadonlySet<number> }> {
  if (create.length + update.length + destroy.length === 0) return { created: [], changed: new Set() };
  const db = mailDatabase(env, account.shard);
  const keys = JSON.stringify(destroy.map((id) => keyOf(account.id, id)));
  const inserts = eachChunk(
    db,
    INSERT,
    create.map((identity, at) => ({ at, content: contentOf({ ...EMPTY, ...identity }) })),
    account.id,
    create.length,
  );
  const updates = eachChunk(
    db,
    UPDATE,
    update.map(({ id, ...identity }) => ({ key: keyOf(account.id, id), content: contentOf(identity) })),
    account.id,
  );
  const results = await guarded(() =>
    db.batch([
      db.prepare(MOVE_CLOCK).bind(account.id, ifInState, create.length),
      ...inserts,
      ...updates,
      db.prepare(DESTROY).bind(account.id, keys),
    ]),
  );
  const state = movedAccount(results[0]);
  if (state) tellHub(env, state);
  const first = (state?.nextIdentity ?? 0) - create.length;
  const changed = results.slice(1 + inserts.length).flatMap((result) => rowsOf<{ key: number }>(result).map(({ key }) => idOf(key)));
  return { created: create.map((_, at) => first + at), changed: new Set(changed) };
}

function contentOf(identity: Omit<IdentityRow, 'id'>): string {
  return JSON.stringify(identity).toWellFormed();
}

async function guarded<Result>(write: () => Promise<Result>): Promise<Result> {
  try {
    return await write();
  } catch (error) {
    if (/NOT NULL constraint failed: account\.modseq/.test(String(error))) throw new StateMismatch('Identity is at another state');
    throw error;
  }
}
