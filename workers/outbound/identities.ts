/**
 * Identities (RFC 8621 §6): every address of the account has one. An address that has none yet, after an account or an
 * alias was added, gets it when somebody looks.
 */
import { formatAddress, parseAddress, withoutDetail } from '../../shared/address.ts';
import type { Env } from '../env.ts';
import { openDirectory } from '../store/directory/index.ts';
import type { IdentityRow, MailStore } from '../store/mail/types.ts';

/** All identities; the first one of each address of the account stays. Two queries when none is missing. */
export async function ensureIdentities(env: Env, mail: MailStore): Promise<{ row: IdentityRow; mayDelete: boolean }[]> {
  const [addresses, known] = await Promise.all([openDirectory(env).addressesOf(mail.account.id), mail.identities()]);
  const missing = addresses.filter((address) => !known.some(({ email }) => email === address));
  await mail.changeIdentities({ create: missing.map((email) => ({ name: mail.account.name, email })) });
  const rows = missing.length > 0 ? await mail.identities() : known;
  const firsts = new Set(addresses.map((address) => rows.find(({ email }) => email === address)?.id));
  return rows.map((row) => ({ row, mayDelete: !firsts.has(row.id) }));
}

/** The identity that writes as `email` or as it is without its `+detail`, else the account's first. */
export async function identityFor(env: Env, mail: MailStore, email: string): Promise<number> {
  const rows = await ensureIdentities(env, mail);
  const address = parseAddress(email);
  const own = address && rows.find(({ row }) => [formatAddress(address), formatAddress(withoutDetail(address))].includes(row.email));
  return (own || rows[0])?.row.id ?? 0;
}
