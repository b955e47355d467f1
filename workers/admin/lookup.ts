/** What admin requests name and must be there: an account, a domain of ours. Missing ones are refused with what to do. */
import type { Env } from '../env.ts';
import { type AccountListing, findAccountListing } from '../store/directory/accounts.ts';
import { findDomain } from '../store/directory/domains.ts';
import { asAddress, Refusal } from './fields.ts';

/** The account with this address or alias. */
export async function accountNamed(env: Env, address: string, status = 404): Promise<AccountListing> {
  const { text } = asAddress(address);
  const account = await findAccountListing(env, text);
  if (account) return account;
  throw new Refusal(status, `There is no account ${text}. "posthouse account list" shows those there are.`);
}

/** Refuses a domain that is not ours. */
export async function requireDomain(env: Env, domain: string): Promise<void> {
  if (await findDomain(env, domain)) return;
  throw new Refusal(422, `${domain} is no domain of this installation. Add it first: posthouse domain add ${domain}`);
}
