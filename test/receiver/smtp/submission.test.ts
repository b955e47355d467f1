/** What our own users may submit, what it becomes, and what they are told. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SubmitAnswer } from '../../../shared/protocol.ts';
import { SmtpClient } from '../../support/smtp-transcript.ts';
import { digest, startWorld, type World } from './world.ts';

let world: World;
let client: SmtpClient;
const right = Buffer.from('\0me@example.test\0secret').toString('base64');
const headed = 'From: me@example.test\r\nBcc: hidden@elsewhere.test\r\nSubject: x\r\n';

beforeAll(async () => {
  world = await startWorld({ messageSizeLimit: 2 * 1024 * 1024 });
});
afterAll(() => world.close());
beforeEach(async () => {
  world.edge.submissions.length = 0;
  world.edge.submitAnswer = null;
  world.edge.away = false;
  world.login.away = false;
  client = await logIn(world.ports.submission);
});
afterEach(() => client.close());

async function logIn(port: number): Promise<SmtpClient> {
  const opened = await SmtpClient.connect(port);
  await opened.reply();
  await opened.command('EHLO laptop.private.test');
  expect(await opened.command(`AUTH PLAIN ${right}`)).toMatch(/^235/);
  return opened;
}

const submit = (data: string, to = ['friend@elsewhere.test']) => client.deliver({ from: 'me@example.test', to, data });

/** The one submission the edge got. */
function submitted() {
  const [only, ...more] = world.edge.submissions;
  if (!only || more.length > 0) throw new Error(`${world.edge.submissions.length} submissions`);
  return { ...only, text: only.raw.toString('latin1') };
}

describe('a submission', () => {
  it('reaches the edge with its envelope, as the user who logged in', async () => {
    expect(await submit(`${headed}\r\nhi`)).toBe('250 2.0.0 Ok: queued as 1');
    const { token, request, raw } = submitted();
    expect(token).toBe('token-1');
    expect(request.envelope).toEqual({ mailFrom: 'me@example.test', rcptTo: ['friend@elsewhere.test'] });
    expect(request.sha256).toBe(digest(raw));
    expect(request.index.size).toBe(raw.length);
  });

  it('gets Date and Message-ID when it has none, and keeps Bcc', async () => {
    await submit(`${headed}\r\nhi`);
    const { text } = submitted();
    expect(text).toMatch(/\r\nDate: \w{3}, \d\d \w{3} \d{4} [\d:]{8} \+0000\r\nMessage-ID: <[0-9a-f-]{36}@mx\.example\.test>\r\nFrom: /);
    expect(text).toContain('\r\nBcc: hidden@elsewhere.test\r\n');
    expect(text.endsWith('\r\n\r\nhi\r\n')).toBe(true);
  });

  it('keeps the Date and Message-ID it has', async () => {
    await submit(`date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMESSAGE-ID: <own@laptop>\r\n${headed}\r\nhi`);
    const { text } = submitted();
    expect(text.match(/^date:/gim)).toHaveLength(1);
    expect(text.match(/^message-id:/gim)).toHaveLength(1);
  });

  it('tells nobody where its sender sits', async () => {
    await submit(`${headed}\r\nhi`);
    expect(submitted().text).toMatch(/^Received: by mx\.example\.test \(Posthouse\) with ESMTPA\r\n\tid /);
    expect(submitted().text).not.toMatch(/127\.0\.0\.1|laptop\.private/);
  });

  it('without any header is still text below the fields we add', async () => {
    await submit('just text');
    expect(submitted().text).toMatch(/\r\nMessage-ID: [^\r]+\r\n\r\njust text\r\n$/);
  });

  it('too large for one call goes by blob', async () => {
    expect(await submit(`${headed}\r\n${'x'.repeat(70)}${`\r\n${'y'.repeat(70)}`.repeat(6000)}`)).toMatch(/^250/);
    const { request, raw } = submitted();
    expect(request.inline).toBe(0);
    expect(raw.length).toBeGreaterThan(400_000);
    expect(world.edge.calls).toContain('putBlob 1');
  });

  it('with bare line feeds is refused like any other', async () => {
    expect(await submit(`${headed}\r\na\nb`)).toMatch(/^554 5\.5\.2/);
  });

  it.each([
    ['forbiddenFrom', '550 5.7.1'],
    ['unknownRecipient', '550 5.1.1'],
    ['tooLarge', '552 5.3.4'],
    ['overQuota', '552 5.2.2'],
    ['noRecipients', '554 5.5.1'],
  ] as const)('that the edge refuses as %s is answered %s', async (reason, reply) => {
    world.edge.submitAnswer = { status: 'refused', reason, description: 'because\r\n250 injected' } satisfies SubmitAnswer;
    const answer = await submit(`${headed}\r\nhi`);
    expect(answer).toBe(`${reply} because  250 injected`);
    expect(await client.command('NOOP')).toMatch(/^250/);
  });

  it('is put off while the edge is away, and its second try is the same submission', async () => {
    const ids: string[] = [];
    const real = world.edge.submit.bind(world.edge);
    world.edge.submit = async (token, request, payloads) => {
      ids.push(request.id);
      world.edge.away = ids.length === 1;
      return real(token, request, payloads);
    };
    expect(await submit(`${headed}\r\nhi`)).toMatch(/^451 4\.3\.0/);
    expect(await submit(`${headed}\r\nhi`)).toMatch(/^250/);
    expect(await submit(`${headed}\r\nhi`)).toMatch(/^250/);
    world.edge.submit = real;
    expect(ids[0]).toBe(ids[1]);
    expect(ids[2]).not.toBe(ids[1]);
  });
});

describe('a login', () => {
  it('that cannot be checked is put off', async () => {
    world.login.away = true;
    const other = await SmtpClient.connect(world.ports.submission);
    await other.reply();
    await other.command('EHLO x');
    expect(await other.command(`AUTH PLAIN ${right}`)).toMatch(/^454 4\.7\.0/);
    other.close();
  });

  it('for somebody else is refused', async () => {
    const other = await SmtpClient.connect(world.ports.submission);
    await other.reply();
    await other.command('EHLO x');
    const asYou = Buffer.from('you@example.test\0me@example.test\0secret').toString('base64');
    expect(await other.command(`AUTH PLAIN ${asYou}`)).toMatch(/^535/);
    other.close();
  });

  it('is neither offered nor taken on an open wire, unless all of it is loopback', async () => {
    const open = await startWorld({ listen: '0.0.0.0' });
    const other = await SmtpClient.connect(open.ports.submission);
    await other.reply();
    expect(await other.command('EHLO x')).not.toContain('AUTH');
    expect(await other.command(`AUTH PLAIN ${right}`)).toMatch(/^538 5\.7\.11/);
    expect(await other.command('MAIL FROM:<me@example.test>')).toMatch(/^530 5\.7\.0/);
    await other.command('STARTTLS');
    await other.starttls();
    expect(await other.command('EHLO x')).toMatch(/AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 OAUTHBEARER PLAIN LOGIN/);
    expect(await other.command(`AUTH PLAIN ${right}`)).toMatch(/^235/);
    other.close();
    await open.close();
  });
});
