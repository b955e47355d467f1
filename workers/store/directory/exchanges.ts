/** A SCRAM exchange between its two steps (RFC 5802 §5): single use, 60 s, bound to who began it. */
import type { Env } from '../../env.ts';
import { randomToken } from './tokens.ts';

/** A receiver derives for 100 ms; a phone may take seconds. */
export const EXCHANGE_LIFE_MS = 60_000;
/** Abandoned exchanges one login clears away: more than it makes, so that they never pile up. */
const EXPIRED_PER_START = 8;

export interface Exchange {
  /** Receiver id in decimal, or `web`. */
  caller: string;
  /** 0: a name nobody has. */
  account: number;
  clientFirstBare: string;
  serverFirst: string;
}

/** Keeps an exchange; its id. */
export async function openExchange(env: Env, exchange: Exchange, now: number): Promise<string> {
  const id = randomToken();
  await env.DIRECTORY.batch([
    expired(env, now, EXPIRED_PER_START),
    env.DIRECTORY.prepare(
      'INSERT INTO exchange (id, caller, account, client_first_bare, server_first, expires_at) VALUES (?, ?, ?, ?, ?, ?)',
    ).bind(id, exchange.caller, exchange.account, exchange.clientFirstBare, exchange.serverFirst, now + EXCHANGE_LIFE_MS),
  ]);
  return id;
}

/** Takes the exchange out, so that nobody else can; null when unknown, used, expired, or another caller's. */
export async function takeExchange(env: Env, id: string, caller: string, now: number): Promise<Exchange | null> {
  return env.DIRECTORY.prepare(
    `DELETE FROM exchange WHERE id = ? AND caller = ? AND expires_at > ?
     RETURNING caller, account, client_first_bare AS clientFirstBare, server_first AS serverFirst`,
  )
    .bind(id, caller, now)
    .first<Exchange>();
}

/** Clears away abandoned exchanges, at most `limit`; for the cron. */
export async function sweepExchanges(env: Env, now: number, limit: number): Promise<void> {
  await expired(env, now, limit).run();
}

function expired(env: Env, now: number, limit: number): D1PreparedStatement {
  return env.DIRECTORY.prepare(
    'DELETE FROM exchange WHERE id IN (SELECT id FROM exchange WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
  ).bind(now, limit);
}
