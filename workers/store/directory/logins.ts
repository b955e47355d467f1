/**
 * The logins that still count: credentials, and sessions of the webmail, which end by themselves. What is tied to a login
 * (push subscriptions, RFC 8620 §7.2) ends with it.
 */
import type { Env } from '../../env.ts';
import type { Login } from '../mail/types.ts';

/** Characters of a token's digest that name its session: enough to differ, not enough to be the digest. */
const SESSION_NAME = 32;

/** A text that names the login and none before or after it; null when it has ended. One query for a credential, none for a session. */
export async function loginName(env: Env, login: Login): Promise<string | null> {
  if ('session' in login) return sessionName(login.session);
  // The number alone may come again after the credential was removed.
  const row = await env.DIRECTORY.prepare("SELECT 'c' || id || '-' || created_at AS name FROM credential WHERE id = ?")
    .bind(login.credential)
    .first<{ name: string }>();
  return row?.name ?? null;
}

/** The names of an account's logins that count now. One query. */
export async function liveLogins(env: Env, account: number, now: number): Promise<Set<string>> {
  const { results } = await env.DIRECTORY.prepare(
    `SELECT 'c' || c.id || '-' || c.created_at AS name FROM credential c JOIN account ac ON ac.id = c.account AND ac.removed_at IS NULL
      WHERE c.account = ?1
     UNION ALL
     SELECT 's' || substr(t.sha256, 1, ${SESSION_NAME}) FROM token t JOIN account ac ON ac.id = t.account AND ac.removed_at IS NULL
      WHERE t.account = ?1 AND t.kind = 'web' AND t.expires_at > ?2`,
  )
    .bind(account, now)
    .run<{ name: string }>();
  return new Set(results.map(({ name }) => name));
}

function sessionName(sha256: string): string {
  return `s${sha256.slice(0, SESSION_NAME)}`;
}
