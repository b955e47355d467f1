/** `/admin/accounts`: accounts and their passwords. A password never comes here, only its verifier (invariant 7). */
import { Hono } from 'hono';
import { withoutDetail } from '../../shared/address.ts';
import type { Verifier } from '../../shared/scram.ts';
import { endSockets } from '../auth/sockets.ts';
import type { Env } from '../env.ts';
import {
  type AccountListing,
  addAccount,
  changeAccount,
  listAccounts,
  listAddresses,
  removeAccount,
  setImapWithout,
} from '../store/directory/accounts.ts';
import { replacePassword } from '../store/directory/credentials.ts';
import { removeMailAccount, setQuota } from '../store/mail/index.ts';
import { asAddress, type Fields, Refusal, readFields, readNumber, readText, readVerifier } from './fields.ts';
import { accountNamed, requireDomain } from './lookup.ts';

/** Capabilities there are to switch off, and some more. */
const IMAP_NAMES_MAX = 100;
/** Accounts in one answer; `after` the last id gives the next ones. */
const PAGE = 500;

export const accountRoutes = new Hono<{ Bindings: Env }>()
  .get('/', async (c) => {
    const after = Number(c.req.query('after') ?? 0) || 0;
    const accounts = await listAccounts(c.env, after, PAGE);
    return c.json({ accounts: accounts.map(described), more: accounts.length === PAGE });
  })
  .post('/', async (c) => {
    const fields = await readFields(c.req.raw);
    const address = asAddress(readText(fields, 'address'));
    if (withoutDetail(address).local !== address.local)
      throw new Refusal(422, `${address.text} has a +detail, which belongs to the address before it.`);
    await requireDomain(c.env, address.domain);
    const verifier = readVerifier(fields, 'verifier');
    const { salt, iterations } = verifier;
    const account = { address: address.text, domain: address.domain, name: readName(fields) ?? '', quota: readQuota(fields) ?? null };
    const made = await addAccount(c.env, { ...account, salt, iterations, password: verifier }, Date.now());
    if (made === 'taken') throw new Refusal(409, `${address.text} exists already, as an account, an alias or a blocked address.`);
    return c.json(described(await accountNamed(c.env, address.text)), 201);
  })
  .get('/:address', async (c) => {
    const account = await accountNamed(c.env, c.req.param('address'));
    return c.json({ ...described(account), addresses: await listAddresses(c.env, account.id) });
  })
  .patch('/:address', async (c) => {
    const account = await accountNamed(c.env, c.req.param('address'));
    const fields = await readFields(c.req.raw);
    const change = { name: readName(fields) ?? account.name, quota: fields.quota === null ? null : (readQuota(fields) ?? account.quota) };
    await changeAccount(c.env, account, change);
    await setQuota(c.env, account.shard, account.id, change.quota);
    const imapWithout = readImapWithout(fields) ?? account.imapWithout ?? [];
    await setImapWithout(c.env, account.id, imapWithout);
    return c.json(described({ ...account, ...change, imapWithout }));
  })
  .put('/:address/password', async (c) => {
    const account = await accountNamed(c.env, c.req.param('address'));
    const verifier = readVerifier(await readFields(c.req.raw), 'verifier');
    requireSameSalt(account, verifier);
    await replacePassword(c.env, account.id, verifier, Date.now());
    await endSockets(c.env, account.id);
    return c.body(null, 204);
  })
  .delete('/:address', async (c) => {
    const account = await accountNamed(c.env, c.req.param('address'));
    const outcome = await removeAccount(c.env, account.id, Date.now());
    if ('postmasterOf' in outcome) {
      const domain = outcome.postmasterOf;
      throw new Refusal(
        409,
        `${account.address} is the postmaster of ${domain}. Name another first: posthouse domain add ${domain} --postmaster ADDRESS`,
      );
    }
    await endSockets(c.env, account.id);
    // The directory first: from here on nobody finds the account, and what is left of its mail harms no one.
    await removeMailAccount(c.env, account.shard, account.id);
    return c.body(null, 204);
  });

/** All credentials of an account share salt and iterations: one exchange tries them all. */
export function requireSameSalt(account: AccountListing, verifier: Verifier): void {
  if (verifier.salt === account.salt && verifier.iterations === account.iterations) return;
  throw new Refusal(409, `The verifier must be made with the salt and iterations of ${account.address}.`);
}

function readName(fields: Fields): string | undefined {
  return fields.name === undefined || fields.name === '' ? undefined : readText(fields, 'name');
}

function readQuota(fields: Fields): number | undefined {
  return fields.quota === null ? undefined : readNumber(fields, 'quota', 1, Number.MAX_SAFE_INTEGER);
}

/** Names of IMAP capabilities; which ones can be switched off is the receiver's knowledge. */
function readImapWithout(fields: Fields): string[] | undefined {
  if (fields.imapWithout === undefined) return undefined;
  const given: unknown[] = Array.isArray(fields.imapWithout) ? fields.imapWithout : [null];
  const names = given.map((name) => (typeof name === 'string' && /^[A-Za-z0-9=+-]{1,40}$/.test(name) ? name.toUpperCase() : null));
  if (names.includes(null) || names.length > IMAP_NAMES_MAX) throw new Refusal(422, 'imapWithout is a list of names of IMAP capabilities.');
  return [...new Set(names.filter((name) => name !== null))].sort();
}

function described({ id, address, name, quota, salt, iterations, createdAt, imapWithout = [] }: AccountListing): object {
  return { id, address, name, quota, salt, iterations, createdAt, imapWithout };
}
