/**
 * `/admin/accounts/:address/app-passwords`: secrets for programs. Whoever asks made the 128-bit secret and
 * sends its verifier and SHA-256; it is shown to nobody again.
 */
import { Hono } from 'hono';
import { endSockets } from '../auth/sockets.ts';
import type { Env } from '../env.ts';
import { addAppPassword, CREDENTIALS_MAX, listAppPasswords, removeAppPassword } from '../store/directory/credentials.ts';
import { requireSameSalt } from './accounts.ts';
import { Refusal, readFields, readHex, readText, readVerifier } from './fields.ts';
import { accountNamed } from './lookup.ts';

export const appPasswordRoutes = new Hono<{ Bindings: Env }>()
  .get('/:address/app-passwords', async (c) => {
    const account = await accountNamed(c.env, c.req.param('address'));
    return c.json({ appPasswords: await listAppPasswords(c.env, account.id) });
  })
  .post('/:address/app-passwords', async (c) => {
    const account = await accountNamed(c.env, c.req.param('address'));
    const fields = await readFields(c.req.raw);
    const verifier = readVerifier(fields, 'verifier');
    requireSameSalt(account, verifier);
    const password = { ...verifier, label: readText(fields, 'label'), secretSha256: readHex(fields, 'secretSha256') };
    const made = await addAppPassword(c.env, account.id, password, Date.now());
    if (made === 'taken') throw new Refusal(409, 'This secret is an app password already. Make a new random one.');
    if (made === 'full') throw new Refusal(409, `An account may have ${CREDENTIALS_MAX} credentials: remove an app password first.`);
    return c.json({ id: made.id, label: password.label }, 201);
  })
  .delete('/:address/app-passwords/:id', async (c) => {
    const account = await accountNamed(c.env, c.req.param('address'));
    if (await removeAppPassword(c.env, account.id, Number(c.req.param('id')) || 0)) {
      await endSockets(c.env, account.id);
      return c.body(null, 204);
    }
    throw new Refusal(
      404,
      `${account.address} has no app password ${c.req.param('id').slice(0, 20)}. "posthouse app-password list" shows their ids.`,
    );
  });
