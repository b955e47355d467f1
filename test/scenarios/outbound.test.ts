/**
 * Mail leaves: from a mail client and from JMAP, through the `file` relay that a fresh home has and through `resend`,
 * whose API a server on loopback stands in for.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jmap, openImap, type Posthouse, startPosthouse, until } from '../support/posthouse.ts';

interface Email {
  from: string;
  to: string[];
  cc?: string[];
  bcc?: string[];
  subject: string;
  text?: string;
  html?: string;
  headers: Record<string, string>;
  attachments?: { filename: string; content: string; content_type: string; content_id?: string }[];
}

let posthouse: Posthouse;
let resend: Server;
const calls: { headers: IncomingHttpHeaders; path: string | undefined; email: Email }[] = [];

beforeAll(async () => {
  resend = await standInForResend();
  posthouse = await startPosthouse();
});
afterAll(async () => {
  await posthouse?.dispose();
  resend?.close();
});

/** Takes everything, but for what is sent to somebody called `refused`. */
async function standInForResend(): Promise<Server> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const email = JSON.parse(Buffer.concat(chunks).toString()) as Email;
    calls.push({ headers: request.headers, path: request.url, email });
    const isRefused = email.to.some((to) => to.includes('refused@'));
    response.writeHead(isRefused ? 422 : 200, { 'content-type': 'application/json' });
    const refusal = { statusCode: 422, name: 'validation_error', message: 'Invalid `to` field: the quick brown reason.' };
    response.end(JSON.stringify(isRefused ? refusal : { id: `stand-in-${calls.length}` }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** `posthouse …` with this on its standard input. */
async function cli(args: string[], input: string): Promise<void> {
  const child = execFile(process.execPath, ['receiver/cli/main.ts', ...args], {
    env: { ...process.env, POSTHOUSE_HOME: posthouse.home },
  });
  child.stdin?.end(input);
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
}

/** Sends as a mail program does: 465, TLS, logged in. */
async function sendMail(message: object): Promise<void> {
  const { ca, submissions, accounts } = posthouse.ready;
  const [me] = accounts;
  const transport = createTransport({
    host: 'localhost',
    port: submissions,
    secure: true,
    auth: { user: me?.address, pass: me?.password },
    tls: { ca: await readFile(ca) },
  });
  await transport.sendMail({ from: { name: 'Mé', address: 'me@example.test' }, ...message });
  transport.close();
}

const called = (subject: string) => until(`the call about ${subject}`, async () => calls.find(({ email }) => email.subject === subject));

test('the file relay writes the message and its envelope', async () => {
  await sendMail({ to: 'friend@elsewhere.test', bcc: 'hidden@elsewhere.test', subject: 'to a file', text: 'Hello' });
  const folder = path.join(posthouse.home, 'sent');
  const [name = ''] = await until('the files', async () => {
    const names = (await readdir(folder).catch(() => [])).filter((file) => file.endsWith('.eml'));
    return names.length > 0 && names;
  });
  const raw = await readFile(path.join(folder, name), 'utf8');
  expect(raw).toMatch(/^Subject: to a file\r$/m);
  expect(raw).not.toMatch(/hidden@/);
  expect(JSON.parse(await readFile(path.join(folder, name.replace(/eml$/, 'json')), 'utf8'))).toEqual({
    mailFrom: 'me@example.test',
    rcptTo: ['friend@elsewhere.test', 'hidden@elsewhere.test'],
  });
});

test('after `relay set resend` a message from a mail program reaches Resend as its JSON', async () => {
  const { port } = resend.address() as AddressInfo;
  await cli(['relay', 'set', 'resend', '--api-url', `http://127.0.0.1:${port}`], 're_test_key\n');
  await sendMail({
    to: '"Friend, Good" <friend@elsewhere.test>',
    cc: 'second@elsewhere.test',
    bcc: 'hidden@elsewhere.test',
    subject: 'Grüße 你好',
    text: 'Hello',
    html: '<p>Hello <img src="cid:logo@x"></p>',
    inReplyTo: '<parent@elsewhere.test>',
    references: '<root@elsewhere.test> <parent@elsewhere.test>',
    attachments: [
      { filename: 'logo.png', content: Buffer.from([1, 2, 3]), cid: 'logo@x' },
      { filename: '合同.pdf', content: Buffer.from('%PDF') },
    ],
  });
  const { headers, path: asked, email } = await called('Grüße 你好');
  expect(asked).toBe('/emails');
  expect(headers).toMatchObject({ authorization: 'Bearer re_test_key', 'content-type': 'application/json' });
  expect(headers['idempotency-key']).toBeTruthy();
  expect(email).toMatchObject({
    from: 'Mé <me@example.test>',
    to: ['"Friend, Good" <friend@elsewhere.test>'],
    cc: ['second@elsewhere.test'],
    bcc: ['hidden@elsewhere.test'],
    text: expect.stringContaining('Hello'),
    html: expect.stringContaining('cid:logo@x'),
    headers: { 'In-Reply-To': '<parent@elsewhere.test>', References: '<root@elsewhere.test> <parent@elsewhere.test>' },
    attachments: [
      { filename: 'logo.png', content: 'AQID', content_type: 'image/png', content_id: 'logo@x' },
      { filename: '合同.pdf', content: 'JVBERg==', content_type: 'application/pdf' },
    ],
  });
});

test('and so does one written by JMAP', async () => {
  const { address } = posthouse.ready.accounts[0] ?? { address: '' };
  const accountId = await accountIdOf();
  const listed = async (method: string) =>
    (await jmap(posthouse, [[method, { accountId, ids: null }, '0']]))[0]?.[1].list as { id: string; role?: string }[];
  const drafts = (await listed('Mailbox/get')).find(({ role }) => role === 'drafts')?.id ?? '';
  const identityId = (await listed('Identity/get'))[0]?.id;
  const email = {
    mailboxIds: { [drafts]: true },
    from: [{ email: address }],
    to: [{ name: 'Friend', email: 'friend@elsewhere.test' }],
    subject: 'from JMAP',
    inReplyTo: ['parent@elsewhere.test'],
    references: ['parent@elsewhere.test'],
    bodyStructure: { type: 'text/plain', partId: 't' },
    bodyValues: { t: { value: 'Written in a browser' } },
  };
  const answers = await jmap(posthouse, [
    ['Email/set', { accountId, create: { mail: email } }, '0'],
    ['EmailSubmission/set', { accountId, create: { send: { identityId, emailId: '#mail' } } }, '1'],
  ]);
  expect(answers[1]?.[1].notCreated, JSON.stringify(answers)).toBeNull();
  const call = await called('from JMAP');
  expect(call.email).toMatchObject({
    from: address,
    to: ['Friend <friend@elsewhere.test>'],
    text: expect.stringContaining('Written in a browser'),
    headers: { 'In-Reply-To': '<parent@elsewhere.test>', References: '<parent@elsewhere.test>' },
  });
});

test('what Resend refuses for good is reported in the Inbox with its reason', async () => {
  await sendMail({ to: 'refused@elsewhere.test', subject: 'to be refused', text: 'Hello' });
  await called('to be refused');
  const imap = await openImap(posthouse);
  await imap.mailboxOpen('INBOX');
  const source = await until('the report', async () => {
    await imap.noop();
    for await (const message of imap.fetch({ subject: 'Undelivered' }, { source: true })) return message.source?.toString('utf8');
    return null;
  });
  await imap.logout();
  expect(source).toContain('the quick brown reason');
  expect(source).toMatch(/^Final-Recipient: rfc822; refused@elsewhere\.test\r$/m);
  expect(source).toMatch(/^Subject: to be refused\r$/m);
  expect(calls.filter(({ email }) => email.subject === 'to be refused')).toHaveLength(1);
});

test('a message to a neighbour is in the neighbour’s Inbox, and Resend hears nothing of it', async () => {
  await sendMail({ to: 'you@example.test', subject: 'to a neighbour', text: 'Hello' });
  const imap = await openImap(posthouse, 1);
  await imap.mailboxOpen('INBOX');
  await until('the message', async () => {
    await imap.noop();
    return imap.search({ subject: 'to a neighbour' }).then((found) => found && found.length === 1);
  });
  await imap.logout();
  expect(calls.some(({ email }) => email.subject === 'to a neighbour')).toBe(false);
});

async function accountIdOf(): Promise<string> {
  const { address, appPassword } = posthouse.ready.accounts[0] ?? { address: '', appPassword: '' };
  const authorization = `Basic ${Buffer.from(`${address}:${appPassword}`).toString('base64')}`;
  const answer = await fetch(`${posthouse.ready.http}/.well-known/jmap`, { headers: { authorization } });
  const { primaryAccounts } = (await answer.json()) as { primaryAccounts: Record<string, string> };
  return primaryAccounts['urn:ietf:params:jmap:mail'] ?? '';
}
