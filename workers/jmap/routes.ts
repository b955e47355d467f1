/** The JMAP door: discovery, session, API, blobs, push (RFC 8620 §2, §3, §6, RFC 8887). Every route but discovery asks who is calling. */
import type { Context } from 'hono';
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { readUserCall } from '../auth/caller.ts';
import type { Env } from '../env.ts';
import type { Account } from '../store/mail/types.ts';
import { answerApiRequest, jsonResponse, problemResponse } from './api.ts';
import { answerDownload } from './download.ts';
import { openEventSource, readWishes } from './push/event-source.ts';
import { buildSession } from './session.ts';
import { answerUpload } from './upload.ts';
import { openWebSocket } from './websocket.ts';

const SUBMIT_ONLY = { type: 'about:blank', status: 403, detail: 'This token may only submit.' };
const NOWHERE = { type: 'about:blank', status: 404, detail: 'There is nothing of JMAP at this address.' };

type JmapCall = Context<{ Bindings: Env }>;

/** Runs `answer` for the caller's account, or refuses: 401 without a caller, 403 for a token that may only submit. */
async function withAccount(c: JmapCall, answer: (account: Account) => Promise<Response> | Response): Promise<Response> {
  const caller = await readUserCall(c);
  if (caller instanceof Response) return caller;
  return caller.scope === 'full' ? answer(caller.account) : problemResponse(SUBMIT_ONLY);
}

/**
 * Mail programs that are pages of another origin may come too. They bring a token or an app password themselves: without
 * Access-Control-Allow-Credentials no browser sends them our cookie. A WebSocket needs none of this.
 */
const otherOrigins = cors({
  origin: '*',
  allowMethods: ['GET', 'HEAD', 'POST'],
  allowHeaders: ['Authorization', 'Content-Type', 'Last-Event-ID', 'Range'],
  exposeHeaders: ['Content-Range', 'Location'],
  maxAge: 86_400,
});
const OPEN_TO_OTHERS = ['/.well-known/jmap', '/jmap/session', '/jmap/api', '/jmap/upload/*', '/jmap/download/*', '/jmap/eventsource'];

export const jmapRoutes = new Hono<{ Bindings: Env }>()
  .on(['GET', 'HEAD', 'POST', 'OPTIONS'], OPEN_TO_OTHERS, otherOrigins)
  .get('/.well-known/jmap', (c) => c.redirect('/jmap/session', 307))
  .get('/jmap/session', (c) =>
    withAccount(c, async (account) => jsonResponse(await buildSession(c.env, account, new URL(c.req.url).origin))),
  )
  .post('/jmap/api', (c) => withAccount(c, (account) => answerApiRequest(c.env, account, c.req.raw)))
  .post('/jmap/upload/:accountId/', (c) => withAccount(c, (account) => answerUpload(c.env, account, c.req.param('accountId'), c.req.raw)))
  .get('/jmap/download/:accountId/:blobId/:name', (c) =>
    withAccount(c, (account) => answerDownload(c.env, account, { ...c.req.param(), accept: c.req.query('accept') }, c.req.raw)),
  )
  .get('/jmap/eventsource', (c) =>
    withAccount(c, (account) => {
      const wishes = readWishes((name) => c.req.query(name));
      if (wishes === null) return new Response('types, closeafter or ping is malformed\n', { status: 400 });
      return openEventSource(c.env, account, wishes, c.req.header('last-event-id') ?? null);
    }),
  )
  .get('/jmap/ws', (c) => withAccount(c, (account) => openWebSocket(c.env, account, c.req.raw)))
  .all('/jmap/*', () => problemResponse(NOWHERE));
