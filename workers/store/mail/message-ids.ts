/** An email by its Message-ID (RFC 5322 §3.6.4), found through the thread that its hash leads to: as many rows as the thread has. */
import { lastHeaderValue, parseHeaderBlock } from '../../../shared/mime/headers.ts';
import { parseMessageIds } from '../../../shared/mime/messageids.ts';
import { hashMessageId } from '../../../shared/threads.ts';
import type { Env } from '../../env.ts';
import { mailDatabase } from './database.ts';
import { idOf } from './keys.ts';
import type { Account } from './types.ts';

/** The one visible email with this id (without brackets); null when none or several have it. One query. */
export async function emailByMessageId(env: Env, account: Account, messageId: string): Promise<number | null> {
  const sql = `SELECT e.key, e.headers FROM reference r JOIN email e ON e.thread = r.thread
    WHERE r.account = ?1 AND r.hash = ?2 AND e.gone = 0 AND e.live = 1`;
  const statement = mailDatabase(env, account.shard)
    .prepare(sql)
    .bind(account.id, await hashMessageId(messageId));
  const { results } = await statement.run<{ key: number; headers: string }>();
  const found = results.filter(({ headers }) => ownId(headers) === messageId);
  const [first] = found;
  return first && found.length === 1 ? idOf(first.key) : null;
}

function ownId(headers: string): string | undefined {
  return parseMessageIds(lastHeaderValue(parseHeaderBlock(headers), 'message-id') ?? '')[0];
}
