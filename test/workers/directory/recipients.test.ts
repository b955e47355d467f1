import { env } from 'cloudflare:test';
import { beforeAll, expect, test } from 'vitest';
import { removeAccount } from '../../../workers/store/directory/accounts.ts';
import { removeAlias } from '../../../workers/store/directory/addresses.ts';
import { putDomain, removeDomain } from '../../../workers/store/directory/domains.ts';
import { openDirectory } from '../../../workers/store/directory/index.ts';
import type { Recipient } from '../../../workers/store/directory/types.ts';
import { makeAccount, makeAlias, makeDomain } from '../../support/directory.ts';

type Made = Awaited<ReturnType<typeof makeAccount>>;
let me: Made;
let you: Made;
let gone: Made;
const directory = openDirectory(env);

beforeAll(async () => {
  me = await makeAccount(env, 'me@example.test');
  you = await makeAccount(env, 'you@example.test');
  gone = await makeAccount(env, 'gone@example.test');
  await makeDomain(env, 'catch.test');
  await makeDomain(env, 'empty.test');
  await makeAlias(env, 'sales@example.test', you.id);
  await makeAlias(env, 'plus+list@example.test', you.id);
  await makeAlias(env, 'late@example.test', you.id);
  await makeAlias(env, '@catch.test', you.id);
  await makeAlias(env, 'me@catch.test', me.id);
  await makeAlias(env, 'spam@catch.test', null);
  await removeAccount(env, gone.id, Date.now());
});

function told(recipient: Recipient | undefined): string {
  return recipient?.status === 'deliverable' ? recipient.account.address : String(recipient?.status);
}

const TABLE: [string, string][] = [
  ['me@example.test', 'me@example.test'],
  ['ME@EXAMPLE.TEST', 'me@example.test'],
  ['"me"@example.test', 'me@example.test'],
  ['me+news@example.test', 'me@example.test'],
  ['me+a+b@example.test', 'me@example.test'],
  ['sales@example.test', 'you@example.test'],
  ['sales+eu@example.test', 'you@example.test'],
  ['plus+list@example.test', 'you@example.test'],
  ['plus@example.test', 'unknown'],
  ['nobody@example.test', 'unknown'],
  ['gone@example.test', 'unknown'],
  ['+x@example.test', 'unknown'],
  ['@example.test', 'unknown'],
  [`${'x'.repeat(65)}@example.test`, 'unknown'],
  ['postmaster@example.test', 'me@example.test'],
  ['Postmaster+x@example.test', 'me@example.test'],
  ['anything@catch.test', 'you@example.test'],
  ['any+thing@catch.test', 'you@example.test'],
  ['me@catch.test', 'me@example.test'],
  ['me+x@catch.test', 'me@example.test'],
  ['spam@catch.test', 'unknown'],
  ['spam+x@catch.test', 'unknown'],
  ['postmaster@catch.test', 'you@example.test'],
  ['me@sub.example.test', 'foreign'],
  ['me@elsewhere.test', 'foreign'],
  ['me', 'foreign'],
  ['', 'foreign'],
  ['me@', 'foreign'],
  ['me@[127.0.0.1]', 'foreign'],
  ["me@example.test' OR 1=1 --", 'foreign'],
];

test.each(TABLE)('mail for %s goes to %s', async (address, expected) => {
  expect(told((await directory.resolve([address])).get(address))).toBe(expected);
});

test('a lone surrogate is nobody of ours', async () => {
  for (const address of ['me@\ud800', '\ud800@example.test', '\ud800'])
    expect(['foreign', 'unknown']).toContain(told((await directory.resolve([address])).get(address)));
});

test('many addresses are resolved by one query, each under the name it was asked by', async () => {
  const addresses = [...TABLE.map(([address]) => address), ...Array.from({ length: 500 }, (_, i) => `x${i}@catch.test`)];
  const queries: string[] = [];
  const counting = { ...env, DIRECTORY: counted(queries) };
  const recipients = await openDirectory(counting).resolve(addresses);
  expect(queries).toHaveLength(1);
  for (const [address, expected] of TABLE) expect(told(recipients.get(address))).toBe(expected);
  expect(told(recipients.get('x499@catch.test'))).toBe('you@example.test');
});

function counted(queries: string[]): D1Database {
  return new Proxy(env.DIRECTORY, {
    get(database, name) {
      if (name !== 'prepare') return Reflect.get(database, name);
      return (sql: string) => {
        queries.push(sql);
        return database.prepare(sql);
      };
    },
  });
}

test('an account may write as its addresses, its aliases, their details and what its catch-all receives', async () => {
  const may = (account: Made, address: string) => directory.maySendAs(account.id, [address]);
  for (const address of ['you@example.test', 'You+x@example.test', 'sales@example.test', 'sales+x@example.test', 'any@catch.test'])
    expect(await may(you, address), address).toBe(true);
  for (const address of ['me@example.test', 'me@catch.test', 'spam@catch.test', 'you@elsewhere.test', 'nobody@example.test', ''])
    expect(await may(you, address), address).toBe(false);
  expect(await directory.maySendAs(you.id, ['you@example.test', 'me@example.test'])).toBe(false);
  expect(await directory.maySendAs(you.id, [])).toBe(false);
  expect(await directory.addressesOf(you.id)).toEqual([
    'you@example.test',
    'late@example.test',
    'plus+list@example.test',
    'sales@example.test',
  ]);
});

test('mail answered with 250 whose address vanished goes to the postmaster; of a removed domain, too', async () => {
  await removeAlias(env, 'late@example.test');
  expect((await directory.postmasterOf('late@example.test'))?.id).toBe(me.id);
  expect((await directory.postmasterOf('x@catch.test'))?.id).toBe(you.id);
  expect((await directory.postmasterOf('x@empty.test'))?.id).toBe(me.id);
  await removeDomain(env, 'empty.test', Date.now());
  expect((await directory.postmasterOf('x@empty.test'))?.id).toBe(me.id);
  expect(told((await directory.resolve(['x@empty.test'])).get('x@empty.test'))).toBe('foreign');
  expect(await directory.postmasterOf('x@elsewhere.test')).toBeNull();
  expect(await directory.postmasterOf('')).toBeNull();
});

test('a domain in Unicode and in its A-label form is one domain', async () => {
  await putDomain(env, 'xn--bcher-kva.test', { postmaster: me.id }, Date.now());
  expect(told((await directory.resolve(['postmaster@bücher.test'])).get('postmaster@bücher.test'))).toBe('me@example.test');
});

test('an id is never given twice, and a removed account is nobody', async () => {
  const next = await makeAccount(env, 'gone@example.test');
  expect(next.id).toBeGreaterThan(gone.id);
  expect(await directory.account(gone.id)).toBeNull();
});

test('two accounts made at once get two ids', async () => {
  const made = await Promise.all(['a', 'b', 'c'].map((name) => makeAccount(env, `${name}@example.test`)));
  expect(new Set(made.map(({ id }) => id)).size).toBe(3);
});

test('without a relay set there is none, unless this is the embedded default', async () => {
  expect(await directory.relay()).toBeNull();
  const embedded = { ...env, FILE_RELAY: { fetch: () => Promise.resolve(new Response()) } as unknown as Fetcher };
  expect(await openDirectory(embedded).relay()).toEqual({ kind: 'file' });
});
