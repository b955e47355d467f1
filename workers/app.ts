/** The routes as a table of contents: every door of the edge, one line each. */
import { Hono } from 'hono';
import { adminRoutes } from './admin/routes.ts';
import { authRoutes } from './auth/routes.ts';
import { bridgeRoutes } from './bridge/routes.ts';
import type { Env } from './env.ts';
import { ingestRoutes } from './ingest/routes.ts';
import { jmapRoutes } from './jmap/routes.ts';
import { submitRoutes } from './outbound/routes.ts';
import { policyRoutes } from './policy/routes.ts';

export const app = new Hono<{ Bindings: Env }>()
  .route('/', policyRoutes) // GET /.well-known/mta-sts.txt
  .route('/', authRoutes) // POST /auth/…, GET /recipients/:address
  .route('/', ingestRoutes) // POST /ingest
  .route('/', bridgeRoutes) // GET|POST /bridge/…, GET|PUT /blob/…
  .route('/', submitRoutes) // POST /submit
  .route('/', jmapRoutes) // GET /.well-known/jmap, /jmap/…
  .route('/admin', adminRoutes) // the admin API
  .onError((error, c) => {
    console.error(JSON.stringify({ event: 'unhandled', path: new URL(c.req.url).pathname, error: String(error), stack: error.stack }));
    return c.json({ type: 'about:blank', status: 500, title: 'Internal error' }, 500, { 'content-type': 'application/problem+json' });
  });
