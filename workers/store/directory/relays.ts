/** The relay that outbound mail leaves through: one setting for the whole installation. */
import type { Env } from '../../env.ts';
import type { Relay } from './types.ts';

/** Resend's own API; a setting, so that a test or a proxy can stand in for it. */
export const RESEND_API_URL = 'https://api.resend.com';

/** Null until one was set, but for the embedded default: there it is the file relay. */
export async function readRelay(env: Env): Promise<Relay | null> {
  const row = await env.DIRECTORY.prepare('SELECT kind, api_url AS apiUrl, api_key AS apiKey FROM relay WHERE id = 1').first<{
    kind: Relay['kind'];
    apiUrl: string | null;
    apiKey: string | null;
  }>();
  if (!row) return env.FILE_RELAY ? { kind: 'file' } : null;
  return row.kind === 'file' ? { kind: 'file' } : { kind: 'resend', apiUrl: row.apiUrl ?? RESEND_API_URL, apiKey: row.apiKey ?? '' };
}

/** Replaces the setting. */
export async function writeRelay(env: Env, relay: Relay, now: number): Promise<void> {
  const [apiUrl, apiKey] = relay.kind === 'resend' ? [relay.apiUrl, relay.apiKey] : [null, null];
  await env.DIRECTORY.prepare('INSERT OR REPLACE INTO relay (id, kind, api_url, api_key, updated_at) VALUES (1, ?, ?, ?, ?)')
    .bind(relay.kind, apiUrl, apiKey, now)
    .run();
}
