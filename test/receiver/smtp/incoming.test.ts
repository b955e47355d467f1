/** What becomes of a message that arrives on the SMTP port: its octets, its trace, its refusals. */
import { readdir } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SmtpClient } from '../../support/smtp-transcript.ts';
import { digest, startWorld, until, type World } from './world.ts';

let world: World;
let client: SmtpClient;

beforeAll(async () => {
  world = await startWorld({ messageSizeLimit: 60 * 1024 * 1024 });
});
afterAll(() => world.close());
beforeEach(async () => {
  world.edge.stored.clear();
  client = await SmtpClient.connect(world.ports.smtp);
  await client.reply();
  await client.command('EHLO client.test');
});
afterEach(() => client.close());

/** Delivers and answers what the edge then holds, split into our trace block and the rest. */
async function receive(data: Buffer | string, to = ['me@example.test']) {
  const spoolId = /queued as (.*)$/.exec(await client.deliver({ to, data }))?.[1];
  const mine = () => world.edge.messages().filter(({ message }) => message.spoolId === spoolId);
  await until(() => mine().length === to.length, 'the message at the edge');
  const [stored] = mine();
  if (!stored) throw new Error('nothing stored');
  const text = stored.raw.toString('latin1');
  const end = /\r\nReceived: (?:[^\r]|\r\n[ \t])*\r\n/.exec(text);
  const cut = (end?.index ?? 0) + (end?.[0].length ?? 0);
  return { ...stored, trace: text.slice(0, cut), rest: stored.raw.subarray(cut) };
}

describe('a message', () => {
  it('is kept octet for octet below the trace block', async () => {
    const data = Buffer.concat([
      Buffer.from('Subject: =?x?\r\n \r\nX: \xff\x00\r\n\r\n', 'latin1'),
      Buffer.from('NUL\0 8-bit \xe9 end', 'latin1'),
    ]);
    const { rest, message, raw } = await receive(data);
    expect(rest.equals(Buffer.concat([data, Buffer.from('\r\n')]))).toBe(true);
    expect(message.sha256).toBe(digest(raw));
    expect(message.index.size).toBe(raw.length);
  });

  it('loses its stuffed dots and nothing else', async () => {
    const { rest } = await receive('Subject: dots\r\n\r\n..\r\n...two\r\nend.');
    expect(rest.toString()).toBe('Subject: dots\r\n\r\n.\r\n..two\r\nend.\r\n');
  });

  it.each([
    ['without a header', '\r\njust a body'],
    ['without a body', 'Subject: x'],
    ['without anything', ''],
    ['that is no message', 'hello there, no header at all'],
  ])('%s is stored as it came', async (_, data) => {
    const { rest } = await receive(data);
    expect(rest.toString()).toBe(`${data}\r\n`);
  });

  it('gets a trace block: Return-Path, our results, Received', async () => {
    const { trace } = await receive('Subject: x\r\n\r\nx');
    expect(trace).toMatch(/^Return-Path: <a@sender\.test>\r\nAuthentication-Results: mx\.example\.test;\r\n\tspf=/);
    expect(trace).toMatch(/\r\nReceived: from client\.test \(\[127\.0\.0\.1\]\)\r\n\tby mx\.example\.test \(Posthouse\) with ESMTP\r\n/);
    expect(trace).toMatch(/\r\n\tid [0-9a-f]{12}-[0-9a-f]{16}\r\n\tfor <me@example\.test>; \w{3}, \d\d \w{3} \d{4} [\d:]{8} \+0000\r\n$/);
  });

  it('for several recipients names none of them', async () => {
    const { trace } = await receive('Subject: x\r\n\r\nx', ['me@example.test', 'you@example.test']);
    expect(trace).not.toContain('for <');
  });

  it('over TLS says so, with the cipher', async () => {
    await client.command('STARTTLS');
    await client.starttls();
    await client.command('EHLO client.test');
    const { trace } = await receive('Subject: x\r\n\r\nx');
    expect(trace).toMatch(/with ESMTPS\r\n\t\(TLSv1\.3 TLS_\w+\)/);
  });

  it('cannot forge trace through HELO', async () => {
    await client.command('EHLO evil(by);x');
    const { trace } = await receive('Subject: x\r\n\r\nx');
    expect(trace).toContain('Received: from evil?by??x (');
  });

  it('tells the edge how it came', async () => {
    const { message } = await receive('Subject: x\r\n\r\nx');
    expect(message).toMatchObject({
      remoteAddress: '127.0.0.1',
      helo: 'client.test',
      envelope: { mailFrom: 'a@sender.test', rcptTo: ['me@example.test'] },
    });
    expect(Math.abs(message.receivedAt - Date.now())).toBeLessThan(60_000);
  });

  it('that has been through too many hands is a loop', async () => {
    const received = 'Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n';
    expect(await client.deliver({ to: ['me@example.test'], data: `${received.repeat(50)}\r\nx` })).toMatch(/^250/);
    expect(await client.deliver({ to: ['me@example.test'], data: `${received.repeat(51)}\r\nx` })).toMatch(/^554 5\.4\.6/);
  });

  it('with a megabyte of header fields is refused, of unheaded text it is not', async () => {
    const field = `X-Filler: ${'x'.repeat(900)}\r\n`;
    expect(await client.deliver({ to: ['me@example.test'], data: `${field.repeat(1300)}\r\nx` })).toMatch(/^552 5\.3\.4/);
    expect(await client.deliver({ to: ['me@example.test'], data: `no header ${'x'.repeat(900)}\r\n`.repeat(1300) })).toMatch(/^250/);
  });

  it('larger than memory allows goes by disk and by blob, unchanged', async () => {
    const data = Buffer.concat([Buffer.from('Subject: large\r\n\r\n'), Buffer.from(`${'x'.repeat(76)}\r\n`.repeat(10_000))]);
    const { rest, message } = await receive(data, ['me@example.test', 'you@example.test']);
    expect(rest.equals(Buffer.concat([data, Buffer.from('\r\n')]))).toBe(true);
    expect(message.inline).toBe(0);
    expect(world.edge.calls.filter((call) => call.startsWith('putBlob')).slice(-2)).toEqual(['putBlob 1', 'putBlob 2']);
    await until(async () => (await readdir(`${world.folder}/spool`)).length === 1, 'an empty spool');
  });

  it('whose client vanishes in the middle leaves nothing behind', async () => {
    for (const line of ['MAIL FROM:<a@sender.test>', 'RCPT TO:<me@example.test>', 'DATA']) await client.command(line);
    await client.write(Buffer.concat([Buffer.from('Subject: x\r\n\r\n'), Buffer.alloc(600_000, 'x\r\n')]));
    await until(async () => (await readdir(`${world.folder}/spool`)).some((name) => name.endsWith('.body.tmp')), 'the body on disk');
    client.close();
    await until(async () => (await readdir(`${world.folder}/spool`)).every((name) => name === 'refused'), 'an empty spool');
    expect(world.edge.messages().filter(({ raw }) => raw.length > 500_000 && raw.length < 700_000)).toEqual([]);
  });

  it('of 100 recipients is delivered to each, the 101st is refused for now', async () => {
    await client.command('MAIL FROM:<a@sender.test>');
    const wanted = Array.from({ length: 101 }, (_, i) => `me+${i}@example.test`);
    const replies: string[] = [];
    for (const to of wanted) replies.push(await client.command(`RCPT TO:<${to}>`));
    expect(replies.filter((reply) => reply.startsWith('250 2.1.5'))).toHaveLength(100);
    expect(replies.at(-1)).toMatch(/^452 4\.5\.3/);
    await client.command('DATA');
    client.send('Subject: many\r\n\r\nx\r\n.\r\n');
    expect(await client.reply()).toMatch(/^250/);
    await until(() => new Set(world.edge.messages().map(({ to }) => to)).size >= 100, 'all recipients');
  });
});

describe('endings that are none', () => {
  const smuggled = 'MAIL FROM:<evil@sender.test>\r\nRCPT TO:<you@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx';
  it.each([
    ['CRLF . LF', '\r\n.\n'],
    ['LF . CRLF', '\n.\r\n'],
    ['LF . LF', '\n.\n'],
    ['CR . CR', '\r.\r'],
    ['CRLF . CR', '\r\n.\r'],
    ['CR . CRLF', '\r.\r\n'],
    ['CR . LF', '\r.\n'],
    ['LF . CR', '\n.\r'],
    ['CRLF NUL . CRLF', '\r\n\0.\r\n', 'stored'],
    ['CRLF . space CRLF', '\r\n. \r\n', 'stored'],
    ['CRLF CR . CRLF', '\r\n\r.\r\n'],
  ])('%s does not end the message', async (_, ending, fate = 'refused') => {
    const reply = await client.deliver({ to: ['me@example.test'], data: `Subject: x\r\n\r\nx${ending}${smuggled}` });
    expect(reply).toMatch(fate === 'stored' ? /^250/ : /^554 5\.5\.2 bare (CR|LF)/);
    expect(await client.command('NOOP')).toMatch(/^250/);
    if (fate === 'stored') await until(() => world.edge.stored.size > 0);
    expect(world.edge.messages().map(({ to }) => to)).not.toContain('you@example.test');
  });

  it('are found wherever the packets are cut', async () => {
    for (const line of ['MAIL FROM:<a@sender.test>', 'RCPT TO:<me@example.test>', 'DATA']) await client.command(line);
    for (const octet of 'Subject: x\r\n\r\nx\n.\r\n..\r\n.\r\n') await client.write(Buffer.from(octet));
    expect(await client.reply()).toMatch(/^554 5\.5\.2 bare LF/);
  });
});

describe('Authentication-Results from elsewhere', () => {
  it.each([
    ['our name', 'Authentication-Results: mx.example.test; spf=pass\r\n'],
    ['our name in capitals', 'AUTHENTICATION-RESULTS: MX.Example.TEST; spf=pass\r\n'],
    ['a fold and a comment before it', 'Authentication-Results:\r\n (a (nested) \\) comment)\r\n\tmx.example.test;\r\n spf=pass\r\n'],
    ['a version', 'Authentication-Results: mx.example.test 1; spf=pass\r\n'],
    ['quotes', 'Authentication-Results: "mx.\\example.test"; spf=pass\r\n'],
    ['white space before the colon', 'Authentication-Results \t: mx.example.test; spf=pass\r\n'],
    ['a final dot', 'Authentication-Results: mx.example.test.; none\r\n'],
    ['no result', 'Authentication-Results: mx.example.test\r\n'],
  ])('with %s are taken out, and nothing else is', async (_, forged) => {
    const { rest, trace } = await receive(`A: 1\r\n${forged}B: 2\r\n${forged}\r\n${forged}`);
    expect(rest.toString()).toBe(`A: 1\r\nB: 2\r\n\r\n${forged}\r\n`);
    expect(trace).toContain('Authentication-Results: mx.example.test;');
  });

  it.each([
    ['another name', 'Authentication-Results: mx.elsewhere.test; spf=pass\r\n'],
    ['a longer name', 'Authentication-Results: mx.example.test.evil; spf=pass\r\n'],
    ['our name only in a comment', 'Authentication-Results: (mx.example.test) other.test; spf=pass\r\n'],
    ['another field', 'X-Authentication-Results: mx.example.test; spf=pass\r\n'],
  ])('with %s stay', async (_, field) => {
    const { rest } = await receive(`${field}\r\nx`);
    expect(rest.toString()).toBe(`${field}\r\nx\r\n`);
  });
});
