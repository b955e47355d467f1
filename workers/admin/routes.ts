/**
 * The admin API: JSON under `/admin`, for the holder of the admin token, of which the Worker knows only
 * the SHA-256. Refusals are problem details (RFC 9457) whose `detail` says what to do.
 */
import { Hono, type MiddlewareHandler } from 'hono';
import { equalOctets, sha256 } from '../../shared/scram.ts';
import { fromHex } from '../../shared/signing.ts';
import { problem } from '../auth/problem.ts';
import type { Env } from '../env.ts';
import { accountRoutes } from './accounts.ts';
import { aliasRoutes } from './aliases.ts';
import { appPasswordRoutes } from './app-passwords.ts';
import { domainRoutes } from './domains.ts';
import { Refusal } from './fields.ts';
import { receiverRoutes } from './receivers.ts';
import { relayRoutes } from './relay.ts';

/** Characters of a token worth hashing. */
const TOKEN_MAX = 256;

const requireAdmin: MiddlewareHandler<{ Bindings: Env }> = async (c, next) => {
  const expected = c.env.ADMIN_TOKEN_SHA256;
  if (!expected || !/^[0-9a-f]{64}$/.test(expected)) return problem(404, 'The admin API is off: ADMIN_TOKEN_SHA256 is not set.');
  const token = /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
  const digest = await sha256(new TextEncoder().encode(token.slice(0, TOKEN_MAX)));
  if (!equalOctets(digest, fromHex(expected))) {
    return problem(401, 'The admin token is missing or wrong.', { 'www-authenticate': 'Bearer realm="posthouse-admin"' });
  }
  c.header('cache-control', 'no-store');
  await next();
};

export const adminRoutes = new Hono<{ Bindings: Env }>()
  .use(requireAdmin)
  .route('/domains', domainRoutes)
  .route('/accounts', accountRoutes)
  .route('/accounts', appPasswordRoutes)
  .route('/aliases', aliasRoutes)
  .route('/receivers', receiverRoutes)
  .route('/relay', relayRoutes)
  .all('*', () => problem(404, 'The admin API has no such path.'))
  .onError((error) => {
    if (error instanceof Refusal) return problem(error.status, error.message);
    throw error;
  });
