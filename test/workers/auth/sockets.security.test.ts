/** A revoked credential must not go on reading mail over a socket that it opened before (RFC 8887 §4.1 authenticates only once). */
import { env } from 'cloudflare:test';
import { beforeAll, expect, test } from 'vitest';
import { makeVerifier } from '../../../shared/scram.ts';
import { toHex } from '../../../shared/signing.ts';
import { app } from '../../../workers/app.ts';
import type { Env } from '../../../workers/env.ts';
import { cookieOf, DEMO_PASSWORD, makeAccount, makeAppPassword, ORIGIN, postJson, scramLogin } from '../../support/directory.ts';

const TOKEN = 'the-admin-token';
const SECRET = 'abcdefghijklmnopqrstuvwxyz';
const REQUEST = { '@type': 'Request', id: 'r', using: ['urn:ietf:params:jmap:core'], methodCalls: [['Core/echo', {}, '0']] };
let bindings: Env;

beforeAll(async () => {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(TOKEN));
  bindings = { ...env, ADMIN_TOKEN_SHA256: toHex(new Uint8Array(digest)) };
});

async function admin(method: string, path: string, body?: unknown): Promise<number> {
  const init = { method, headers: { authorization: `Bearer ${TOKEN}` }, body: body === undefined ? undefined : JSON.stringify(body) };
  return (await app.request(`${ORIGIN}/admin${path}`, init, bindings)).status;
}

async function open(login: Record<string, string>): Promise<WebSocket> {
  const headers = { upgrade: 'websocket', 'sec-websocket-protocol': 'jmap', ...login };
  const { webSocket } = await app.request(`${ORIGIN}/jmap/ws`, { headers }, env);
  if (!webSocket) throw new Error('no socket');
  webSocket.accept();
  return webSocket;
}

/** Resolves when a request over the socket is answered. */
function answered(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    socket.addEventListener('message', () => resolve(), { once: true });
    socket.send(JSON.stringify(REQUEST));
  });
}

/** The code with which the server closes. */
function closeCode(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => socket.addEventListener('close', ({ code }) => resolve(code), { once: true }));
}

/** Opens a socket, ends the login, and expects the end of the socket. */
async function expectClosedBy(end: () => Promise<number>, login: Record<string, string>): Promise<void> {
  const socket = await open(login);
  await answered(socket);
  const code = closeCode(socket);
  expect(await end()).toBe(204);
  expect(await code).toBe(1008);
}

async function webSession(address: string): Promise<Record<string, string>> {
  const post = (path: string, body: unknown) => postJson(env, path, body, { origin: ORIGIN });
  return { cookie: cookieOf(await scramLogin(post, address, DEMO_PASSWORD, { session: 'cookie' })), origin: ORIGIN };
}

test('withdrawing an app password closes the sockets that it opened', async () => {
  const account = await makeAccount(env, 'ws-app@example.test');
  const id = await makeAppPassword(env, account, SECRET);
  const login = { authorization: `Basic ${btoa(`${account.address}:${SECRET}`)}` };
  await expectClosedBy(() => admin('DELETE', `/accounts/${account.address}/app-passwords/${id}`), login);
});

test('logging out closes the sockets of the account', async () => {
  const { address } = await makeAccount(env, 'ws-out@example.test');
  const login = await webSession(address);
  await expectClosedBy(async () => (await postJson(env, '/auth/logout', {}, login)).status, login);
});

test('changing the password closes the sockets of the account', async () => {
  const { address, verifier: old } = await makeAccount(env, 'ws-password@example.test');
  const verifier = await makeVerifier('another', old.salt, old.iterations);
  await expectClosedBy(() => admin('PUT', `/accounts/${address}/password`, { verifier }), await webSession(address));
});

test('removing the account closes its sockets', async () => {
  await makeAccount(env, 'ws-postmaster@gone.test');
  const { address } = await makeAccount(env, 'ws-gone@gone.test');
  await expectClosedBy(() => admin('DELETE', `/accounts/${address}`), await webSession(address));
});
