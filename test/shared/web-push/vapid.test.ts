import { expect, test } from 'vitest';
import { serverKeyOf, vapidAuthorization } from '../../../shared/web-push/vapid.ts';
import { checkVapid, decode } from '../../support/push-client.ts';

test('a secret has one key pair, another secret another', async () => {
  const [one, again, other] = await Promise.all([serverKeyOf('secret'), serverKeyOf('secret'), serverKeyOf('other')]);
  expect(one.publicKey).toBe(again.publicKey);
  expect(one.publicKey).not.toBe(other.publicKey);
  const point = decode(one.publicKey);
  expect([point.length, point[0]]).toEqual([65, 4]);
});

test('the token names the push service, ends within a day, and its signature holds', async () => {
  const key = await serverKeyOf('secret');
  const now = Date.UTC(2026, 10, 22);
  const authorization = await vapidAuthorization(key, 'https://push.example.net', 'mailto:postmaster@example.test', now);
  const claims = await checkVapid(authorization, key.publicKey);
  expect(claims).toEqual({ aud: 'https://push.example.net', exp: now / 1000 + 12 * 3600, sub: 'mailto:postmaster@example.test' });
  const { publicKey } = await serverKeyOf('other');
  await expect(checkVapid(authorization.replace(key.publicKey, publicKey), publicKey)).rejects.toThrow('does not hold');
});
