/**
 * The directory as the doors see it: whose an address is, who may write as whom, who a receiver is.
 * What only login and administration need lies beside this file, one noun each.
 */
import type { Env } from '../../env.ts';
import { findAccount, listAddresses } from './accounts.ts';
import { findReceiver } from './receivers.ts';
import { findPostmaster, resolveRecipients } from './recipients.ts';
import { readRelay } from './relays.ts';
import type { Directory } from './types.ts';

/** Opens the directory; costs nothing until asked. */
export function openDirectory(env: Env): Directory {
  return {
    resolve: (addresses) => resolveRecipients(env, addresses),
    postmasterOf: (address) => findPostmaster(env, address),
    account: (id) => findAccount(env, id),
    addressesOf: (account) => listAddresses(env, account),
    maySendAs: (account, addresses) => maySendAs(env, account, addresses),
    receiver: (id) => findReceiver(env, id),
    relay: () => readRelay(env),
  };
}

/** Who receives an address may write as it: that covers aliases, `+detail` and catch-alls alike. No address is nobody's. */
async function maySendAs(env: Env, account: number, addresses: string[]): Promise<boolean> {
  const recipients = await resolveRecipients(env, addresses);
  const all = [...recipients.values()];
  return all.length > 0 && all.every((recipient) => recipient.status === 'deliverable' && recipient.account.id === account);
}
