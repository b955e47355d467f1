/**
 * The bridge: what a receiver's mirror asks and writes on behalf of a user, originals by range, and the push socket. A
 * receiver alone may deposit originals and ask for heads; reading needs the user's token (DESIGN.md, invariant 6).
 */
import { type Context, Hono } from 'hono';
import { CHANGES_PAGE_MAX, HEADER_TOKEN, ROUTES } from '../../shared/protocol.ts';
import { readReceiver, readUserCallByReceiver, type UserCaller } from '../auth/caller.ts';
import { problem } from '../auth/problem.ts';
import type { Env } from '../env.ts';
import { socketHeaders } from '../jmap/push/hub-calls.ts';
import { Busy, CondemnedOriginal, hubOf, NoSuchAccount, openMail } from '../store/mail/index.ts';
import { getBlob, putBlob } from './blobs.ts';
import { answerCommit } from './commit.ts';
import { answerHeads } from './heads.ts';
import { answerSearch } from './search.ts';

export type BridgeContext = Context<{ Bindings: Env }>;

/** Runs `answer` for a user with a full token; errors that pass become 503, which the receiver repeats. */
async function forUser(
  c: BridgeContext,
  answer: (caller: UserCaller, payload: { header: unknown; payload: Uint8Array } | null) => Promise<Response>,
) {
  const call = await readUserCallByReceiver(c);
  if (call instanceof Response) return call;
  if (call.caller.scope !== 'full') return problem(403, 'This token may only submit.');
  try {
    return await answer(call.caller, call.frame);
  } catch (error) {
    if (error instanceof Busy || error instanceof CondemnedOriginal) return problem(503, error.message, { 'retry-after': '1' });
    if (error instanceof NoSuchAccount) return problem(404, error.message);
    throw error;
  }
}

function limitOf(c: BridgeContext): number {
  const limit = Number(c.req.query('limit') ?? CHANGES_PAGE_MAX);
  return Number.isInteger(limit) && limit > 0 ? Math.min(limit, CHANGES_PAGE_MAX) : CHANGES_PAGE_MAX;
}

export const bridgeRoutes = new Hono<{ Bindings: Env }>()
  .get(ROUTES.changes, (c) =>
    forUser(c, async ({ account }) => c.json(await openMail(c.env, account).changes(c.req.query('since') ?? '', limitOf(c)))),
  )
  .get(ROUTES.search, (c) => forUser(c, ({ account }) => answerSearch(c, openMail(c.env, account))))
  .post(ROUTES.commit, (c) => forUser(c, ({ account }, frame) => answerCommit(c, account, frame)))
  .get(ROUTES.push, (c) => forUser(c, ({ account }) => openPush(c, account)))
  .get(ROUTES.heads, async (c) => {
    const receiver = await readReceiver(c);
    return receiver instanceof Response ? receiver : answerHeads(c);
  })
  .get(ROUTES.blob, (c) =>
    forUser(c, async ({ account }) =>
      String(account.id) === c.req.param('account') ? getBlob(c, account.id, c.req.param('sha256')) : problem(404, 'No such original.'),
    ),
  )
  .put(ROUTES.blob, async (c) => {
    const caller = c.req.header(HEADER_TOKEN) === undefined ? await readReceiver(c) : await readUserCallByReceiver(c);
    if (caller instanceof Response) return caller;
    const only = 'caller' in caller ? caller.caller.account.id : null;
    return putBlob(c, c.req.param('account'), c.req.param('sha256'), only);
  });

/** Hands the upgrade to the account's hub; what the client says about itself is overwritten. */
async function openPush(c: BridgeContext, account: UserCaller['account']): Promise<Response> {
  if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') return problem(426, 'This is a WebSocket.', { upgrade: 'websocket' });
  return hubOf(c.env, account.id).fetch(new Request('https://hub/socket', { headers: socketHeaders('bridge', account) }));
}
