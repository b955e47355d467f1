import { env } from 'cloudflare:test';
import { beforeAll, expect, test } from 'vitest';
import { app } from '../../../workers/app.ts';
import { putDomain } from '../../../workers/store/directory/domains.ts';
import { revokeReceiver } from '../../../workers/store/directory/receivers.ts';
import { makeDomain, makeReceiver } from '../../support/directory.ts';

beforeAll(() => makeDomain(env, 'example.test'));

const policy = (host: string, bindings = env) => app.request(`https://${host}/.well-known/mta-sts.txt`, {}, bindings);

test('without any host to name, nothing is demanded', async () => {
  expect(await (await policy('mta-sts.example.test')).text()).toBe('version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n');
});

test('the hosts of the settings count when no receiver has a name', async () => {
  const answer = await policy('mta-sts.example.test', { ...env, MX_HOSTS: 'mx1.example.test, MX2.example.test,' });
  expect(await answer.text()).toBe('version: STSv1\r\nmode: testing\r\nmx: mx1.example.test\r\nmx: mx2.example.test\r\nmax_age: 86400\r\n');
});

test('the policy is plain text with CRLF lines that name the live receivers', async () => {
  await makeReceiver(env, 'one', 'mx1.example.test');
  await makeReceiver(env, 'nameless');
  const old = await makeReceiver(env, 'old', 'old.example.test');
  await revokeReceiver(env, old.id, Date.now());
  await putDomain(env, 'example.test', { mtaStsMode: 'enforce', mtaStsMaxAge: 604_800 }, Date.now());
  const answer = await policy('mta-sts.example.test', { ...env, MX_HOSTS: 'unused.example.test' });
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
  expect(await answer.text()).toBe('version: STSv1\r\nmode: enforce\r\nmx: mx1.example.test\r\nmax_age: 604800\r\n');
});

test('the Host header says which domain, with or without a port', async () => {
  const headers = { host: 'MTA-STS.Example.Test:8787' };
  expect((await app.request('http://127.0.0.1:8787/.well-known/mta-sts.txt', { headers }, env)).status).toBe(200);
});

test.each(['example.test', 'mta-sts.elsewhere.test', 'mta-sts.mta-sts.example.test', 'xmta-sts.example.test', '127.0.0.1'])(
  'at %s there is no policy',
  async (host) => {
    expect((await policy(host)).status).toBe(404);
  },
);
