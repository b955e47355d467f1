/** FETCH over the mirror (RFC 9051 §6.4.5): what comes from the disk at once and what is waited for are the same octets. */
import { expect, it, onTestFinished } from 'vitest';
import { indexMessage } from '../../../shared/mime/indexer.ts';
import { ImapClient } from '../../support/imap-client.ts';
import { startTestServer } from '../../support/imap-server.ts';
import { makeWorld, type World } from './harness.ts';

const MESSAGES = 40;

/** Messages of many sizes, each unlike the others in every octet; every fifth with two parts, every seventh too large for a buffer. */
function letterOf(number: number): string {
  const head = `From: a${number}@example.test\r\nX-Other: ${number}\r\nSubject: Letter ${number}\r\n folded ${number}\r\n`;
  const text = `${number} text\r\n`.repeat(number % 7 === 0 ? 12_000 : number * 20);
  if (number % 5 !== 0) return `${head}\r\n${text}`;
  const part = `--b\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(text).toString('base64')}\r\n`;
  return `${head}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n${text}${part}--b--\r\n`;
}

/** Puts the messages into the Inbox behind the mirror's back: the edge has them, the disk does not. */
function deliver({ account }: World, letters: readonly string[]): void {
  for (const letter of letters) {
    const raw = Buffer.from(letter);
    const facts = { receivedAt: Date.UTC(2026, 10, 21), thread: 1, sha256: account.putBlob(raw) };
    account.change(() => account.place(account.inbox, { index: { ...indexMessage(raw), ...facts } }));
  }
}

async function served(world: World): Promise<number> {
  const server = await startTestServer({ backend: world.mirrors.backend });
  onTestFinished(() => server.close());
  return server.imap;
}

async function selected(port: number): Promise<ImapClient> {
  const client = await ImapClient.logIn(port, 'user1', 'right');
  await client.command('SELECT INBOX');
  return client;
}

/** The literals of each answer, in order. */
function literalsOf(answers: readonly string[]): string[][] {
  return answers.map((answer) => {
    const literals: string[] = [];
    for (let at = 0; ; ) {
      const found = /\{(\d+)\}\r\n/g;
      found.lastIndex = at;
      const literal = found.exec(answer);
      if (!literal) return literals;
      at = found.lastIndex + Number(literal[1]);
      literals.push(answer.slice(found.lastIndex, at));
    }
  });
}

it('gives several clients at once the right octets of every section, from the edge and from the disk', async () => {
  const world = makeWorld();
  const letters = Array.from({ length: MESSAGES }, (_value, index) => letterOf(index + 1));
  deliver(world, letters);
  const port = await served(world);
  const clients = await Promise.all(Array.from({ length: 3 }, () => selected(port)));
  // Each is at another message than the others.
  const ask = (client: ImapClient, index: number) =>
    client.command(`FETCH ${1 + index * 7}:* (BODY.PEEK[HEADER] BODY.PEEK[1] BINARY.PEEK[1] BODY.PEEK[])`);
  for (let round = 0; round < 2; round++) {
    const fetched = world.bridge.calls.getBlob;
    for (const [client, { status, untagged }] of (await Promise.all(clients.map(ask))).entries()) {
      expect(status).toBe('OK');
      const literals = literalsOf(untagged);
      expect(literals).toHaveLength(MESSAGES - client * 7);
      for (const [at, [header = '', first = '', decoded = '', whole = '']] of literals.entries()) {
        const index = at + client * 7;
        const letter = letters[index] ?? '';
        expect(whole === letter, `message ${index + 1}`).toBe(true);
        expect(header).toBe(letter.slice(0, letter.indexOf('\r\n\r\n') + 4));
        expect(decoded === first && letter.includes(first) && first.startsWith(`${index + 1} text`)).toBe(true);
      }
    }
    expect(world.bridge.calls.getBlob - fetched).toBe(round === 0 ? MESSAGES : 0);
  }
});

it('answers fields that the index keeps, and those it does not, as they stand in the original', async () => {
  const world = makeWorld();
  deliver(world, [1, 2, 3].map(letterOf));
  const client = await selected(await served(world));
  const fields = ['SUBJECT', 'X-OTHER', 'SUBJECT FROM', 'NONE'].map((names) => `BODY.PEEK[HEADER.FIELDS (${names})]`);
  const { untagged } = await client.command(`FETCH 1:3 (${fields.join(' ')} BODY.PEEK[HEADER.FIELDS.NOT (From)])`);
  for (const [index, literals] of literalsOf(untagged).entries()) {
    const number = index + 1;
    const [from, other] = [`From: a${number}@example.test\r\n`, `X-Other: ${number}\r\n`];
    const subject = `Subject: Letter ${number}\r\n folded ${number}\r\n`;
    expect(literals).toEqual([`${subject}\r\n`, `${other}\r\n`, `${from}${subject}\r\n`, '\r\n', `${other}${subject}\r\n`]);
  }
});
