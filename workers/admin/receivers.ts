/** `/admin/receivers`: the VPS processes that may deposit mail. Keys come in; none ever goes out. */
import { Hono } from 'hono';
import type { Env } from '../env.ts';
import { addReceiver, listReceivers, revokeReceiver } from '../store/directory/receivers.ts';
import { asDomain, Refusal, readFields, readKey, readText } from './fields.ts';

export const receiverRoutes = new Hono<{ Bindings: Env }>()
  .get('/', async (c) => c.json({ receivers: await listReceivers(c.env) }))
  .post('/', async (c) => {
    const fields = await readFields(c.req.raw);
    const name = readText(fields, 'name');
    const hostname = fields.hostname === undefined || fields.hostname === null ? null : asDomain(readText(fields, 'hostname'));
    const made = await addReceiver(c.env, { name, hostname, key: readKey(fields, 'key') }, Date.now());
    if (made === 'taken') throw new Refusal(409, `Receiver ${name} exists with another key. Revoke it first, or choose another name.`);
    return c.json({ id: made.id, name, hostname }, made.made ? 201 : 200);
  })
  .delete('/:id', async (c) => {
    if (await revokeReceiver(c.env, Number(c.req.param('id')) || 0, Date.now())) return c.body(null, 204);
    throw new Refusal(404, `There is no receiver ${c.req.param('id').slice(0, 20)} that could be revoked.`);
  });
