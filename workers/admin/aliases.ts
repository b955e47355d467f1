/** `/admin/aliases`: aliases (`x@d`), catch-alls (`@d`), and addresses that a catch-all shall not receive. */
import { Hono } from 'hono';
import { withoutDetail } from '../../shared/address.ts';
import type { Env } from '../env.ts';
import { type AliasKind, addAlias, findAlias, listAliases, removeAlias } from '../store/directory/addresses.ts';
import { asAddress, asDomain, Refusal, readFields, readText } from './fields.ts';
import { accountNamed, requireDomain } from './lookup.ts';

/** Aliases in one answer; `after` the last address gives the next ones. */
const PAGE = 500;

interface AliasName {
  text: string;
  domain: string;
  isCatchAll: boolean;
}

export const aliasRoutes = new Hono<{ Bindings: Env }>()
  .get('/', async (c) => {
    const owner = c.req.query('account');
    const account = owner === undefined ? null : (await accountNamed(c.env, owner)).id;
    const aliases = await listAliases(c.env, account, c.req.query('after') ?? '', PAGE);
    return c.json({ aliases, more: aliases.length === PAGE });
  })
  .put('/:address', async (c) => {
    const name = aliasName(c.req.param('address'));
    const fields = await readFields(c.req.raw);
    const account = fields.blocked === true ? null : await accountNamed(c.env, readText(fields, 'account'), 422);
    const kind: AliasKind = account === null ? 'blocked' : name.isCatchAll ? 'catchall' : 'alias';
    if (kind === 'blocked' && name.isCatchAll) throw new Refusal(422, 'Only single addresses can be blocked.');
    await requireDomain(c.env, name.domain);
    const made = await addAlias(c.env, { address: name.text, domain: name.domain, kind, account: account?.id ?? null }, Date.now());
    const alias = await findAlias(c.env, name.text);
    const isSame = alias?.kind === kind && alias.account === (account?.address ?? null);
    if (!isSame) throw new Refusal(409, `${name.text} is taken${alias?.account ? ` by ${alias.account}` : ''}. Remove it first.`);
    return c.json(alias, made ? 201 : 200);
  })
  .delete('/:address', async (c) => {
    const { text } = aliasName(c.req.param('address'));
    if (await removeAlias(c.env, text)) return c.body(null, 204);
    throw new Refusal(404, `There is no alias ${text}. An account's first address goes only with the account.`);
  });

function aliasName(text: string): AliasName {
  if (text.startsWith('@')) {
    const domain = asDomain(text.slice(1));
    return { text: `@${domain}`, domain, isCatchAll: true };
  }
  const address = asAddress(text);
  if (withoutDetail(address).local !== address.local)
    throw new Refusal(422, `${address.text} has a +detail, which belongs to the address before it.`);
  return { text: address.text, domain: address.domain, isCatchAll: false };
}
