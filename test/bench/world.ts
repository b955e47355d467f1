/** The product under measure: `npm start`'s own entry with a resolver on this machine, so that no figure depends on the internet. */
import { randomUUID } from 'node:crypto';
import { startDns } from '../support/dns.ts';
import { type Posthouse, startPosthouse, until } from '../support/posthouse.ts';
import type { Letter } from './correspondence.ts';
import { using } from './ending.ts';
import { ImapConnection } from './imap-connection.ts';
import { SmtpConnection } from './smtp-connection.ts';

export const SENDER = 'ann@sender.test';
export const RECIPIENT = 'me@example.test';
const CONNECTIONS = 8;
/** A machine under load takes its time to index thousands of messages. */
const FILLING_PATIENCE_MS = 600_000;

/** Runs `work` against a fresh installation, which ends with it. */
export function withPosthouse<T>(work: (posthouse: Posthouse) => Promise<T>): Promise<T> {
  const records = { 'sender.test': { MX: [[10, 'mx.sender.test'] as [number, string]], TXT: ['v=spf1 ip4:127.0.0.1 -all'] } };
  return using(
    () => startDns(records),
    (dns) => dns.close(),
    (dns) =>
      using(
        () => startPosthouse({ POSTHOUSE_DNS: dns.address }),
        (posthouse) => posthouse.dispose(),
        work,
      ),
  );
}

/** Sends the messages over eight connections and waits until IMAP shows them all. */
export async function fill(posthouse: Posthouse, messages: readonly Uint8Array[]): Promise<void> {
  const queue = [...messages];
  const send = async () => {
    const smtp = await SmtpConnection.open(posthouse.ready.smtp);
    for (let raw = queue.shift(); raw; raw = queue.shift()) await smtp.send(SENDER, RECIPIENT, raw);
    smtp.close();
  };
  const imap = await openImapConnection(posthouse);
  const before = await imap.count('INBOX');
  await Promise.all(Array.from({ length: CONNECTIONS }, send));
  const arrived = async () => (await imap.count('INBOX')) === before + messages.length;
  await until('all messages in the Inbox', arrived, FILLING_PATIENCE_MS);
  imap.close();
}

/** A connection without TLS, logged in as the first demo account. */
export async function openImapConnection({ ready }: Posthouse): Promise<ImapConnection> {
  const imap = await ImapConnection.open(ready.imap);
  await imap.logIn(RECIPIENT, ready.accounts[0]?.password ?? '');
  return imap;
}

/** A plain-text message of about `octets` octets, different from every other. */
export function letter(number: number, octets: number): Uint8Array {
  const head = [
    `From: Ann <${SENDER}>`,
    `To: <${RECIPIENT}>`,
    `Subject: Letter ${number} about the harvest`,
    'Date: Sat, 21 Nov 2026 10:00:00 +0000',
    `Message-ID: <${randomUUID()}@sender.test>`,
    '',
    `This is letter ${number}.`,
  ].join('\r\n');
  const line = 'The quick brown fox jumps over the lazy dog while nobody is watching the henhouse.\r\n';
  const lines = Math.max(1, Math.round((octets - head.length) / line.length));
  return Buffer.from(`${head}\r\n${line.repeat(lines)}`);
}

/** Messages of one MULTIAPPEND: our bound. */
export const APPENDED = 32;

/** Appends all to the Inbox, many to one APPEND, and closes the connection. */
export async function appendLetters(imap: ImapConnection, letters: Iterable<Letter>): Promise<void> {
  let waiting: Letter[] = [];
  const send = async () => {
    if (waiting.length > 0) await imap.appendAll('INBOX', waiting);
    waiting = [];
  };
  for (const letter of letters) {
    waiting.push(letter);
    if (waiting.length === APPENDED) await send();
  }
  await send();
  imap.close();
}
