/**
 * Logging in and out, for browsers and receivers by the same two steps, and the receiver's question
 * whether an address takes mail. A signed call is a receiver's and gets a token bound to it.
 */
import { Hono } from 'hono';
import type { RecipientAnswer, ScramFinishAnswer, TokenAnswer } from '../../shared/protocol.ts';
import type { Env } from '../env.ts';
import { openDirectory } from '../store/directory/index.ts';
import { createToken, removeToken } from '../store/directory/tokens.ts';
import type { Account } from '../store/mail/types.ts';
import { readJson } from './body.ts';
import { readUserCall } from './caller.ts';
import { problem } from './problem.ts';
import { type DoorContext, type FrameBounds, isReceiverCall, readReceiver, readReceiverCall } from './receiver-call.ts';
import { finishScram, type Proven, startScram } from './scram.ts';
import { ENDED_SESSION_COOKIE, isOwnOrigin, sessionCookie, sessionToken } from './session-cookie.ts';
import { endSockets } from './sockets.ts';
import { findHolder } from './token.ts';

/** Octets of an unsigned login body: two SCRAM messages and a name. */
const LOGIN_BODY_MAX = 8 * 1024;
/** Octets of a receiver's login frame, which carries no payload: nobody who guesses signatures makes us hold more. */
const LOGIN_FRAME_MAX = 16 * 1024;
const LOGIN_BOUNDS: FrameBounds = { header: LOGIN_FRAME_MAX, frame: LOGIN_FRAME_MAX };
/** Characters of a login name: an address, and some room for what people type. */
const NAME_MAX = 320;
/** Characters of an app password or a bearer token. */
const SECRET_MAX = 1024;
/** The caller of an exchange that no receiver began. */
const WEB = 'web';

type Asked = { receiver: number | null; fields: Record<string, unknown> };

export const authRoutes = new Hono<{ Bindings: Env }>()
  .post('/auth/scram/start', async (c) => {
    const asked = await readAsked(c);
    if (asked instanceof Response) return asked;
    const { username, clientFirstBare } = asked.fields;
    if (!isText(username, NAME_MAX) || !isText(clientFirstBare)) return malformed();
    const answer = await startScram(c.env, callerName(asked), username, clientFirstBare, Date.now());
    return answer ? c.json(answer, 200, NO_STORE) : malformed();
  })
  .post('/auth/scram/finish', async (c) => {
    const asked = await readAsked(c);
    if (asked instanceof Response) return asked;
    const { exchange, clientFinal, session } = asked.fields;
    if (!isText(exchange) || !isText(clientFinal)) return malformed();
    const wantsCookie = session === 'cookie' && asked.receiver === null;
    if (wantsCookie && !isOwnOrigin(c)) return problem(403, 'Only the webmail may ask for a session cookie.');
    const proven = await finishScram(c.env, callerName(asked), exchange, clientFinal, Date.now());
    if (!proven) return c.json({ status: 'failed' } satisfies ScramFinishAnswer, 200, NO_STORE);
    return beginSession(c, proven, asked.receiver, wantsCookie);
  })
  .post('/auth/token', async (c) => {
    const call = await readReceiverCall(c, LOGIN_BOUNDS);
    if (call instanceof Response) return call;
    const fields = isFields(call.frame.header) ? call.frame.header : {};
    const { username = null, secret } = fields;
    if (!isText(secret, SECRET_MAX) || (username !== null && !isText(username, NAME_MAX))) return malformed();
    const holder = await findHolder(c.env, username, secret, Date.now());
    if (!holder) return c.json({ status: 'failed' } satisfies TokenAnswer, 200, NO_STORE);
    const { account, ...made } = holder;
    const wanted = { ...made, account: account.id, kind: 'bridge', receiver: call.receiver.id } as const;
    const { token, expires } = await createToken(c.env, wanted, Date.now());
    return c.json({ status: 'ok', ...described(account), token, expires } satisfies TokenAnswer, 200, NO_STORE);
  })
  .post('/auth/logout', async (c) => {
    const caller = await readUserCall(c);
    if (caller instanceof Response) return caller;
    const token = caller.via === 'cookie' ? sessionToken(c) : c.req.header('authorization')?.replace(/^bearer +/i, '');
    if (caller.via !== 'basic' && token) {
      await removeToken(c.env, token);
      await endSockets(c.env, caller.account.id);
    }
    return c.body(null, 204, { 'set-cookie': ENDED_SESSION_COOKIE, ...FORGET_PAGES });
  })
  .get('/auth/session', async (c) => {
    const caller = await readUserCall(c);
    if (caller instanceof Response) return caller;
    const { id, address, name } = caller.account;
    return c.json({ account: id, address, name }, 200, NO_STORE);
  })
  .get('/recipients/:address', async (c) => {
    const receiver = await readReceiver(c);
    if (receiver instanceof Response) return receiver;
    const address = c.req.param('address');
    const recipient = (await openDirectory(c.env).resolve([address])).get(address) ?? { status: 'foreign' };
    const answer: RecipientAnswer =
      recipient.status === 'deliverable' ? { status: 'deliverable', account: recipient.account.id } : recipient;
    return c.json(answer, 200, NO_STORE);
  });

/** Downloads, and pages kept for Back, are nothing for whoever uses the browser next (Clear Site Data §3.1). */
const FORGET_PAGES = { 'clear-site-data': '"cache"' };
const NO_STORE = { 'cache-control': 'no-store' };

/** The fields of a login step, from a receiver's frame or from bounded JSON. */
async function readAsked(c: DoorContext): Promise<Asked | Response> {
  if (isReceiverCall(c)) {
    const call = await readReceiverCall(c, LOGIN_BOUNDS);
    if (call instanceof Response) return call;
    return isFields(call.frame.header) ? { receiver: call.receiver.id, fields: call.frame.header } : malformed();
  }
  // A form of another site can send JSON only under another type.
  if (!/^application\/json\b/i.test(c.req.header('content-type') ?? '')) return malformed();
  const body = await readJson(c.req.raw, LOGIN_BODY_MAX);
  return isFields(body) ? { receiver: null, fields: body } : malformed();
}

async function beginSession(c: DoorContext, proven: Proven, receiver: number | null, wantsCookie: boolean): Promise<Response> {
  const { account, credential, serverFinal } = proven;
  const kind = receiver !== null ? 'bridge' : wantsCookie ? 'web' : 'api';
  const { token, expires } = await createToken(c.env, { account: account.id, credential, kind, receiver, scope: 'full' }, Date.now());
  const answer: ScramFinishAnswer = { status: 'ok', serverFinal, ...described(account), expires };
  if (wantsCookie) return c.json(answer, 200, { ...NO_STORE, 'set-cookie': sessionCookie(token) });
  return c.json({ ...answer, token }, 200, NO_STORE);
}

function described({ id, address, imapWithout }: Account): { account: number; address: string; imapWithout?: string[] } {
  return { account: id, address, ...(imapWithout ? { imapWithout } : {}) };
}

function callerName(asked: Asked): string {
  return asked.receiver === null ? WEB : String(asked.receiver);
}

function malformed(): Response {
  return problem(400, 'The body is no login step.');
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown, max = LOGIN_BODY_MAX): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= max;
}
