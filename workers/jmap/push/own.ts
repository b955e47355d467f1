/** The subscriptions that the caller's own login made: nobody sees another's (RFC 8620 §7.2). */
import { MethodError } from '../../../shared/jmap/errors.ts';
import { loginName } from '../../store/directory/logins.ts';
import { type PushSubscriptionRow, readPushSubscriptions } from '../../store/mail/push-subscriptions.ts';
import type { JmapContext } from '../context.ts';

export interface OwnSubscriptions {
  /** The name of the login. */
  login: string;
  /** When it ends by itself, epoch milliseconds; null: never. */
  ends: number | null;
  rows: PushSubscriptionRow[];
  /** Those of all logins of the account. */
  count: number;
}

/** Two queries, one for a session. A login that has ended meanwhile is `forbidden`. */
export async function ownSubscriptions({ env, account }: JmapContext, now = Date.now()): Promise<OwnSubscriptions> {
  const login = account.login ? await loginName(env, account.login) : null;
  if (!account.login || login === null) throw new MethodError('forbidden', 'this login has ended');
  const rows = (await readPushSubscriptions(env, account)).filter(({ ends }) => ends > now);
  const ends = 'session' in account.login ? account.login.ends : null;
  return { login, ends, rows: rows.filter((row) => row.login === login), count: rows.length };
}
