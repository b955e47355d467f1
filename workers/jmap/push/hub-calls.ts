/** What the doors ask of the account's hub: sockets, and of the PushSubscription methods the pushing. */
import type { Env } from '../../env.ts';
import { hubOf } from '../../store/mail/index.ts';
import type { Account } from '../../store/mail/types.ts';

/** Paths the hub answers to POST. */
export const HUB_PATHS = { notify: '/notify', refresh: '/subscriptions', grant: '/verifications' } as const;

/** What a socket is for: a receiver's mirror, or a JMAP client. */
export type SocketKind = 'bridge' | 'jmap';

/** The fields of an upgrade that a door has authenticated. A header is ASCII (RFC 9110 §5.5), a person's name may not be. */
export function socketHeaders(kind: SocketKind, account: Account): Record<string, string> {
  const ascii = JSON.stringify(account).replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return { upgrade: 'websocket', 'x-posthouse-socket': kind, 'x-posthouse-account': ascii };
}

/** Has the hub take the account's subscriptions anew. */
export async function refreshPushes(env: Env, account: Account): Promise<void> {
  const { login: _, ...plain } = account;
  const answer = await hubOf(env, account.id).fetch(`https://hub${HUB_PATHS.refresh}`, { method: 'POST', body: JSON.stringify(plain) });
  if (!answer.ok) throw new Error(`the hub answered ${answer.status}`);
}

/** Whether so many verifications may be sent now; if so they are counted. */
export async function grantVerifications(env: Env, account: Account, count: number): Promise<boolean> {
  const answer = await hubOf(env, account.id).fetch(`https://hub${HUB_PATHS.grant}`, { method: 'POST', body: JSON.stringify({ count }) });
  return answer.status === 204;
}
