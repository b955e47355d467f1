/** Mail programs that are pages of another origin: what their browser asks before it lets them call (CORS), and what it may not send. */
import { env } from 'cloudflare:test';
import { beforeAll, expect, test } from 'vitest';
import { app } from '../../../workers/app.ts';
import { ORIGIN } from '../../support/directory.ts';
import { type Client, makeClient } from './client.ts';

const ELSEWHERE = 'https://client.example';

let client: Client;
beforeAll(async () => {
  client = await makeClient();
});

test.each(['/.well-known/jmap', '/jmap/session', '/jmap/api', '/jmap/upload/A1/', '/jmap/download/A1/G1/x', '/jmap/eventsource'])(
  'a browser is told that pages of other origins may call %s with a credential of their own',
  async (path) => {
    const headers = {
      origin: ELSEWHERE,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    };
    const answer = await app.request(`${ORIGIN}${path}`, { method: 'OPTIONS', headers }, env);
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('access-control-allow-headers')).toContain('Authorization');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
  },
);

test('an answer may be read there, an error too', async () => {
  const session = await client.fetch('/jmap/session', { headers: { origin: ELSEWHERE } });
  expect([session.status, session.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
  const refused = await app.request(`${ORIGIN}/jmap/session`, { headers: { origin: ELSEWHERE } }, env);
  expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, '*']);
});

test('what logs in and administers is open to no other origin', async () => {
  for (const path of ['/auth/scram/start', '/auth/scram/finish', '/admin/accounts', '/bridge/changes', '/ingest']) {
    const headers = { origin: ELSEWHERE, 'access-control-request-method': 'POST' };
    const answer = await app.request(`${ORIGIN}${path}`, { method: 'OPTIONS', headers }, env);
    expect(answer.headers.get('access-control-allow-origin'), path).toBeNull();
  }
});
