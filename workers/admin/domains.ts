/** `/admin/domains`: the domains we take mail for. */
import { Hono } from 'hono';
import type { Env } from '../env.ts';
import { type Domain, findDomain, listDomains, type MtaStsMode, putDomain, removeDomain } from '../store/directory/domains.ts';
import { asDomain, Refusal, readChoice, readFields, readNumber, readText } from './fields.ts';
import { accountNamed } from './lookup.ts';

const MODES: readonly MtaStsMode[] = ['none', 'testing', 'enforce'];
/** RFC 8461 §3.2: seconds, about a year. */
const MAX_AGE_MAX = 31_557_600;

export const domainRoutes = new Hono<{ Bindings: Env }>()
  .get('/', async (c) => c.json({ domains: (await listDomains(c.env)).map(described) }))
  .get('/:name', async (c) => c.json(described(await domainNamed(c.env, c.req.param('name')))))
  .put('/:name', async (c) => {
    const name = asDomain(c.req.param('name'));
    const fields = await readFields(c.req.raw);
    const isNew = !(await findDomain(c.env, name));
    const change = {
      postmaster: fields.postmaster === undefined ? undefined : (await accountNamed(c.env, readText(fields, 'postmaster'), 422)).id,
      mtaStsMode: fields.mtaStsMode === undefined ? undefined : readChoice(fields, 'mtaStsMode', MODES),
      mtaStsMaxAge: readNumber(fields, 'mtaStsMaxAge', 0, MAX_AGE_MAX),
    };
    await putDomain(c.env, name, change, Date.now());
    return c.json(described(await domainNamed(c.env, name)), isNew ? 201 : 200);
  })
  .delete('/:name', async (c) => {
    const name = asDomain(c.req.param('name'));
    const outcome = await removeDomain(c.env, name, Date.now());
    if (outcome === 'unknown') throw new Refusal(404, `${name} is no domain of this installation.`);
    if (outcome === 'inUse') throw new Refusal(409, `${name} still has addresses: remove its accounts and aliases first.`);
    return c.body(null, 204);
  });

async function domainNamed(env: Env, text: string): Promise<Domain> {
  const name = asDomain(text);
  const domain = await findDomain(env, name);
  if (domain) return domain;
  throw new Refusal(404, `${name} is no domain of this installation.`);
}

function described({ name, postmasterAddress, mtaStsMode, mtaStsMaxAge, createdAt }: Domain): object {
  return { name, postmaster: postmasterAddress, mtaStsMode, mtaStsMaxAge, createdAt };
}
