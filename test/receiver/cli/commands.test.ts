import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeVerifier, newSalt, SCRAM_ITERATIONS, SCRAM_ITERATIONS_MIN, type Verifier } from '../../../shared/scram.ts';
import { ADMIN_TOKEN, FakeAdmin } from './posthouse.ts';

const admin = new FakeAdmin();
const salt = newSalt();
const account = {
  id: 3,
  address: 'me@example.test',
  name: 'Me',
  quota: 10 * 2 ** 30,
  salt,
  iterations: SCRAM_ITERATIONS_MIN,
  createdAt: 0,
  imapWithout: ['NOTIFY'],
};

beforeAll(() => admin.start());
afterAll(() => admin.stop());
beforeEach(() => {
  admin.asked.length = 0;
  admin.answers = { 'GET /accounts/me@example.test': account, 'POST /accounts': account };
});

test('without words, and with --help, it lists every command', async () => {
  for (const { code, stdout } of await Promise.all([[], ['--help'], ['help']].map((words) => admin.run(words)))) {
    expect(code).toBe(0);
    for (const command of [
      'account add ADDRESS',
      'app-password add',
      'alias add',
      'domain add',
      'receiver revoke',
      'relay set',
      'deliver FILE…',
    ])
      expect(stdout).toContain(command);
  }
});

test('every command explains itself', async () => {
  const { stdout } = await admin.run([]);
  const names = [...stdout.matchAll(/^ {2}([a-z-]+(?: [a-z-]+)?)(?= )/gm)].map((match) => match[1] ?? '');
  expect(names.length).toBeGreaterThanOrEqual(19);
  const group = await admin.run(['account']);
  expect(group.stdout).toContain('account password');
  expect(group.stdout).not.toContain('domain add');
  const explained = ['account add', 'relay set', 'deliver'];
  const helps = await Promise.all(explained.map((name) => admin.run([...name.split(' '), '--help'])));
  for (const [i, help] of helps.entries())
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining(`posthouse ${explained[i]}`) });
  expect(admin.asked).toEqual([]);
});

test('an account is added with a verifier of the password from stdin; the password itself goes nowhere', async () => {
  const result = await admin.run(['account', 'add', 'me@example.test', '--name', 'Me', '--quota', '10G'], {
    stdin: 'correct horse\r\nmore\n',
  });
  expect(result).toMatchObject({ code: 0, stdout: 'me@example.test is account 3.\n' });
  const [asked] = admin.asked;
  expect(asked).toMatchObject({ method: 'POST', path: '/accounts', authorization: `Bearer ${ADMIN_TOKEN}` });
  const { verifier, ...rest } = (asked?.body ?? {}) as { verifier: Verifier };
  expect(rest).toEqual({ address: 'me@example.test', name: 'Me', quota: 10 * 2 ** 30 });
  expect(verifier.iterations).toBe(SCRAM_ITERATIONS);
  expect(verifier).toEqual(await makeVerifier('correct horse', verifier.salt, verifier.iterations));
  expect(JSON.stringify(admin.asked) + result.stdout + result.stderr).not.toContain('correct horse');
});

test('one line is enough: nobody has to close stdin', async () => {
  expect(await admin.run(['account', 'add', 'me@example.test'], { stdin: 'correct horse\n', keepOpen: true })).toMatchObject({ code: 0 });
});

test('a new password keeps the salt and the iterations of the account', async () => {
  admin.answers['PUT /accounts/me@example.test/password'] = null;
  expect(await admin.run(['account', 'password', 'me@example.test'], { stdin: 'battery staple' })).toMatchObject({ code: 0, stdout: '' });
  expect(admin.asked.at(-1)?.body).toEqual({ verifier: await makeVerifier('battery staple', salt, SCRAM_ITERATIONS_MIN) });
});

test('an empty or short password changes nothing and says why', async () => {
  const cases = [
    { stdin: '', reason: 'password is empty' },
    { stdin: '\n', reason: 'password is empty' },
    { stdin: 'short\n', reason: 'fewer than 8' },
    { stdin: 'x'.repeat(5000), reason: 'longer than' },
  ];
  const results = await Promise.all(cases.map(({ stdin }) => admin.run(['account', 'add', 'me@example.test'], { stdin })));
  for (const [i, result] of results.entries())
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining(cases[i]?.reason ?? '') });
  expect(admin.asked).toEqual([]);
});

test('a password among the words is refused and not repeated', async () => {
  const typed = [['hunter2hunter2'], ['--password', 'hunter2hunter2'], ['--password=hunter2hunter2']];
  const results = typed.map((words) => admin.run(['account', 'add', 'me@example.test', ...words], { stdin: 'x\n' }));
  for (const { code, stdout, stderr } of await Promise.all(results)) {
    expect(code).toBe(2);
    expect(stderr).toContain('asked for, or read from stdin');
    expect(stdout + stderr).not.toContain('hunter2');
  }
});

test('what is not understood ends with code 2, what cannot be done with code 1 and the reason', async () => {
  const misread = [
    ['dance'],
    ['toString'],
    ['account', 'dance'],
    ['account', 'add'],
    ['account', 'add', 'me@example.test', '--quota', 'much'],
  ];
  const [unknown, inherited, inGroup, missing, quota] = await Promise.all(misread.map((words) => admin.run(words)));
  for (const result of [unknown, inherited, inGroup, missing, quota]) expect(result?.code).toBe(2);
  expect(inGroup?.stderr).toContain('account add');
  expect(missing?.stderr).toContain('ADDRESS is missing');
  const refused = await admin.run(['account', 'remove', 'you@example.test']);
  expect(refused).toMatchObject({ code: 1, stderr: 'posthouse: There is no /accounts/you@example.test. Look again.\n' });
});

test('an app password is printed once, alone on stdout, and only its verifier and digest are sent', async () => {
  admin.answers['POST /accounts/me@example.test/app-passwords'] = { id: 9, label: 'phone' };
  const { code, stdout } = await admin.run(['app-password', 'add', 'me@example.test', 'phone']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^[a-z2-7]{26}\n$/);
  const secret = stdout.trim();
  const body = admin.asked.at(-1)?.body;
  expect(body).toEqual({
    label: 'phone',
    verifier: await makeVerifier(secret, salt, SCRAM_ITERATIONS_MIN),
    secretSha256: createHash('sha256').update(secret).digest('hex'),
  });
  expect((await admin.run(['app-password', 'add', 'me@example.test', 'phone'])).stdout).not.toBe(stdout);
});

test('lists are tables on stdout, followed over pages', async () => {
  admin.answers = {
    'GET /accounts?after=0': { accounts: [account], more: true },
    'GET /accounts?after=3': { accounts: [{ ...account, id: 12, address: 'longer@example.test', quota: null }], more: false },
    'GET /aliases?after=&account=me@example.test': {
      aliases: [{ address: '@example.test', kind: 'catchall', account: 'me@example.test' }],
      more: false,
    },
  };
  expect((await admin.run(['account', 'list'])).stdout.split('\n')).toEqual([
    'id  address              name  quota  since',
    '3   me@example.test      Me    10G    1970-01-01 00:00',
    '12  longer@example.test  Me    -      1970-01-01 00:00',
    '',
  ]);
  expect((await admin.run(['alias', 'list', 'me@example.test'])).stdout).toContain('@example.test  me@example.test  catchall');
});

test('a receiver gets a key that is printed as its key file holds it, and can be revoked by name', async () => {
  admin.answers = {
    'POST /receivers': { id: 4 },
    'GET /receivers': { receivers: [{ id: 4, name: 'vps', hostname: null, createdAt: 0, revokedAt: null }] },
    'DELETE /receivers/4': null,
  };
  const { stdout } = await admin.run(['receiver', 'add', 'vps', '--hostname', 'mx1.example.test']);
  const [, key] = /^4:([0-9a-f]{64})\n$/.exec(stdout) ?? [];
  expect(admin.asked.at(-1)?.body).toEqual({ name: 'vps', hostname: 'mx1.example.test', key });
  expect((await admin.run(['receiver', 'revoke', 'vps'])).code).toBe(0);
  expect((await admin.run(['receiver', 'revoke', 'other'])).code).toBe(1);
});

test("the relay's key comes from stdin or a file, never from the words", async () => {
  admin.answers = { 'PUT /relay': { kind: 'resend' } };
  await admin.run(['relay', 'set', 'resend', '--api-url', 'https://relay.test'], { stdin: 're_1\n' });
  expect(admin.asked.at(-1)?.body).toEqual({ kind: 'resend', apiUrl: 'https://relay.test', apiKey: 're_1' });
  await admin.run(['relay', 'set', 'resend', '--key-file', admin.file('key', 're_2\n')]);
  expect(admin.asked.at(-1)?.body).toEqual({ kind: 'resend', apiKey: 're_2' });
  expect((await admin.run(['relay', 'set', 'resend', 're_3'])).code).toBe(2);
  expect((await admin.run(['relay', 'set', 'pigeon'])).code).toBe(2);
});

test('aliases, catch-alls, blocks and domains are sent as they are', async () => {
  admin.answers = {
    'PUT /aliases/@example.test': { address: '@example.test', account: 'me@example.test' },
    'PUT /aliases/bad@example.test': { address: 'bad@example.test', account: null },
    'PUT /domains/example.test': { name: 'example.test', postmaster: 'me@example.test' },
  };
  expect((await admin.run(['alias', 'add', '@example.test', 'me@example.test'])).stdout).toBe('@example.test goes to me@example.test.\n');
  expect((await admin.run(['alias', 'block', 'bad@example.test'])).stdout).toBe('bad@example.test is refused.\n');
  await admin.run(['domain', 'add', 'example.test', '--postmaster', 'me@example.test', '--mta-sts', 'enforce', '--mta-sts-days', '7']);
  expect(admin.asked.map(({ body }) => body)).toEqual([
    { account: 'me@example.test' },
    { blocked: true },
    { postmaster: 'me@example.test', mtaStsMode: 'enforce', mtaStsMaxAge: 604_800 },
  ]);
});

test('a deployment is named by the environment, and a half-named one says what is missing', async () => {
  admin.answers = { 'GET /domains': { domains: [] } };
  const file = admin.file('token', 'deployed-token\n');
  const env = { POSTHOUSE_EDGE: `${admin.url}/`, POSTHOUSE_ADMIN_TOKEN_FILE: file };
  expect((await admin.run(['domain', 'list'], { env })).code).toBe(0);
  expect(admin.asked.at(-1)?.authorization).toBe('Bearer deployed-token');
  expect((await admin.run(['domain', 'list'], { env: { POSTHOUSE_EDGE: admin.url } })).stderr).toContain(
    'POSTHOUSE_ADMIN_TOKEN_FILE is not',
  );
  expect((await admin.run(['domain', 'list'], { env: { POSTHOUSE_ADMIN_TOKEN_FILE: file } })).stderr).toContain('POSTHOUSE_EDGE is not');
});

test('when nothing runs it says how to start it', async () => {
  const away = await admin.run(['domain', 'list'], { env: { POSTHOUSE_HOME: '/nonexistent' } });
  expect(away).toMatchObject({ code: 1, stderr: expect.stringContaining('npm start') });
  const dead = await admin.run(['domain', 'list'], {
    env: { POSTHOUSE_EDGE: 'http://127.0.0.1:1', POSTHOUSE_ADMIN_TOKEN_FILE: admin.file('t', 'x') },
  });
  expect(dead).toMatchObject({ code: 1, stderr: expect.stringContaining('does not answer') });
});

test('IMAP capabilities are switched off and on by name, and one that login needs is refused', async () => {
  admin.answers['PATCH /accounts/me@example.test'] = { ...account, imapWithout: ['COMPRESS=DEFLATE'] };
  const words = ['account', 'imap', 'me@example.test'];
  expect((await admin.run(words)).stdout).toContain('has IMAP without NOTIFY');
  const { code, stdout } = await admin.run([...words, '--without', 'compress=deflate', '--with', 'notify']);
  expect(code).toBe(0);
  expect(stdout).toContain('has IMAP without COMPRESS=DEFLATE');
  expect(admin.asked.at(-1)).toMatchObject({ body: { imapWithout: ['COMPRESS=DEFLATE'] } });
  const refused = await admin.run([...words, '--without', 'IMAP4rev1']);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('cannot be switched off');
});
