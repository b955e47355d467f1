/**
 * Tells an account's hub that its clock moved (RFC 8620 §7). Push is best effort: a hub that cannot be reached costs a
 * line in the log, never the change; whoever missed it asks again by its state.
 */
import { waitUntil } from 'cloudflare:workers';
import type { Env } from '../../env.ts';
import { type AccountState, STATE_COLUMNS } from './rows.ts';
import type { StateType } from './types.ts';

/** What the hub is told: the clock, and the JMAP types that moved with this change. */
export interface HubNotice {
  account: number;
  modseq: number;
  changed: Partial<Record<StateType, string>>;
}

/** The account's hub. */
export function hubOf(env: Env, account: number): DurableObjectStub {
  return env.HUB.get(env.HUB.idFromName(String(account)));
}

/** Sends the notice while the answer is on its way already: nobody waits for it, and it never throws. */
export function tellHub(env: Env, account: Pick<AccountState, 'id' | 'modseq'> & Partial<AccountState>): void {
  const changed: HubNotice['changed'] = {};
  for (const [type, column] of Object.entries(STATE_COLUMNS) as [StateType, (typeof STATE_COLUMNS)[StateType]][]) {
    if (account[column] === account.modseq) changed[type] = String(account.modseq);
  }
  waitUntil(notify(env, { account: account.id, modseq: account.modseq, changed }));
}

async function notify(env: Env, notice: HubNotice): Promise<void> {
  try {
    await hubOf(env, notice.account).fetch('https://hub/notify', { method: 'POST', body: JSON.stringify(notice) });
  } catch (error) {
    console.error(JSON.stringify({ event: 'hub-unreachable', account: notice.account, error: String(error) }));
  }
}
