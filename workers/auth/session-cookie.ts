/**
 * The webmail's session: a `__Host-` cookie that no script reads and no other site sends along, and the
 * Origin check that writes need besides (DESIGN.md, "Webmail sessions").
 */
import { getCookie } from 'hono/cookie';
import { TOKEN_LIFE_MS } from '../store/directory/tokens.ts';
import type { DoorContext } from './receiver-call.ts';

const COOKIE = '__Host-posthouse';
const ATTRIBUTES = 'Path=/; HttpOnly; Secure; SameSite=Strict';

/** The token in the cookie, if there is one. */
export function sessionToken(c: DoorContext): string | undefined {
  return getCookie(c, COOKIE);
}

/** The `Set-Cookie` value that begins a session. */
export function sessionCookie(token: string): string {
  return `${COOKIE}=${token}; ${ATTRIBUTES}; Max-Age=${TOKEN_LIFE_MS.web / 1000}`;
}

/** The `Set-Cookie` value that ends it. */
export const ENDED_SESSION_COOKIE = `${COOKIE}=; ${ATTRIBUTES}; Max-Age=0`;

/** Whether the page that made this request is ours. A browser names itself on every write and WebSocket. */
export function isOwnOrigin(c: DoorContext): boolean {
  return c.req.header('origin') === new URL(c.req.url).origin;
}

/** Reads may come without an Origin, except the one that opens a WebSocket, which reads for ever. */
export function needsOrigin(c: DoorContext): boolean {
  const isRead = c.req.method === 'GET' || c.req.method === 'HEAD';
  return !isRead || c.req.header('upgrade')?.toLowerCase() === 'websocket';
}
