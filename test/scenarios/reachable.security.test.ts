/** `npm start` with POSTHOUSE_LISTEN on a real address: no door may open to what everybody knows (DESIGN.md, invariant 8). */
import { chmod, stat } from 'node:fs/promises';
import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openImap, type Posthouse, startPosthouse } from '../support/posthouse.ts';

/** Any address of 127.0.0.0/8 but the first reaches a listener on 0.0.0.0 and none on 127.0.0.1. */
const ANOTHER = '127.0.0.2';
let posthouse: Posthouse;

beforeAll(async () => {
  posthouse = await startPosthouse({ POSTHOUSE_LISTEN: '0.0.0.0' });
}, 90_000);
afterAll(() => posthouse.dispose());

test('the password in the README opens nothing, the one in ready.json does', async () => {
  const known = new ImapFlow({
    host: ANOTHER,
    port: posthouse.ready.imaps,
    secure: true,
    auth: { user: 'me@example.test', pass: 'posthouse-demo' },
    tls: { rejectUnauthorized: false },
    logger: false,
  });
  known.on('error', () => {});
  await expect(known.connect()).rejects.toThrow();
  expect(posthouse.ready.accounts[0]?.password).not.toBe('posthouse-demo');
  await (await openImap(posthouse)).logout();
});

test('the edge, which speaks clear-text HTTP, stays on loopback', async () => {
  const { port } = new URL(posthouse.ready.http);
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
  await expect(fetch(`http://${ANOTHER}:${port}/`)).rejects.toThrow();
});

test('originals are not served to whoever knows their digest', async () => {
  const { http, accounts } = posthouse.ready;
  const [{ address, appPassword } = { address: '', appPassword: '' }] = accounts;
  const authorization = `Basic ${Buffer.from(`${address}:${appPassword}`).toString('base64')}`;
  const uploaded = await fetch(`${http}/jmap/upload/A1/`, { method: 'POST', headers: { authorization }, body: 'a private text' });
  const { blobId } = (await uploaded.json()) as { blobId: string };
  const download = `${http}/jmap/download/A1/${blobId}/x`;
  expect(await (await fetch(download, { headers: { authorization } })).text()).toBe('a private text');
  expect((await fetch(download)).status).toBe(401);
  for (const bucket of ['posthouse-originals', 'ORIGINALS']) {
    const answer = await fetch(`${http}/cdn-cgi/local/r2/public/${bucket}/1/${blobId.slice(1)}`);
    expect(await answer.text(), bucket).not.toContain('a private text');
  }
});

test('the password stays the same when it starts again, also in a home that others could read before', async () => {
  const before = posthouse.ready.accounts.map(({ password }) => password);
  await posthouse.stop();
  await chmod(posthouse.home, 0o755);
  await posthouse.start();
  expect(posthouse.ready.accounts.map(({ password }) => password)).toEqual(before);
  expect((await stat(posthouse.home)).mode & 0o777).toBe(0o700);
  await (await openImap(posthouse)).logout();
}, 90_000);
