/**
 * `posthouse deliver`: sends message files by SMTP to the running receiver, as a stranger's server would.
 * Octets go as they are, but for what SMTP cannot carry (RFC 5321 §2.3.8): bare CR and LF become CRLF,
 * and an mbox "From " line in front of the header is left out.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { parseAddress } from '../../shared/address.ts';
import { type Call, type Command, Failure, UsageError } from './command.ts';
import type { Outcome, SmtpSender } from './smtp-sender.ts';

const CONNECTIONS = 4;
/** The receiver allows no more from one address at once. */
const CONNECTIONS_MAX = 16;
/** Octets: no receiver takes more, and it is held in memory. */
const MESSAGE_MAX = 128 * 1024 * 1024;
/** Refusals told one by one; the rest is a number. */
const REFUSALS_SHOWN = 20;
/** Octets of header searched for the sender. */
const HEADER_MAX = 64 * 1024;

interface Tally {
  sent: number;
  refused: { file: string; reason: string }[];
}

export const deliverCommand: Command = {
  words: ['FILE…'],
  summary: 'Sends message files, or all files of a folder, by SMTP to the running receiver.',
  details: 'Exit code 1 when any message was refused.',
  options: {
    to: { type: 'string', value: 'ADDRESS', help: 'Recipient; may be given several times.' },
    from: { type: 'string', value: 'ADDRESS', help: "Envelope sender; the message's Return-Path or From without it." },
    smtp: { type: 'string', value: 'HOST:PORT', help: 'Another receiver than the one "npm start" runs.' },
    connections: { type: 'string', value: 'N', help: `How many at once (${CONNECTIONS}).` },
  },
  async run(call) {
    const to = call.values('to');
    if (to.length === 0) throw new UsageError('--to ADDRESS is missing.');
    const width = readWidth(call.value('connections'));
    const target = readTarget(call);
    const files = (await Promise.all(call.words.map((name) => listFiles(call.installation.file(name))))).flat();
    if (files.length === 0) throw new Failure('There is no message file there.');
    // Loaded here, because it takes longer to load than every other command to run.
    const { SmtpSender } = await import('./smtp-sender.ts');
    const started = Date.now();
    const tally: Tally = { sent: 0, refused: [] };
    const queue = files.values();
    const send = () =>
      sendAll(queue, new SmtpSender(target), { to, from: call.value('from') }, tally, () => showProgress(call, tally, files.length));
    await Promise.all(Array.from({ length: Math.min(width, files.length) }, send));
    summarise(call, tally, Date.now() - started);
  },
};

async function sendAll(
  queue: Iterator<string> & Iterable<string>,
  sender: SmtpSender,
  envelope: { to: string[]; from: string | undefined },
  tally: Tally,
  onChange: () => void,
): Promise<void> {
  for (const file of queue) {
    const outcome = await sendFile(file, sender, envelope);
    if (outcome.status === 'sent') tally.sent++;
    else tally.refused.push({ file, reason: outcome.reason });
    onChange();
  }
  await sender.close();
}

async function sendFile(file: string, sender: SmtpSender, { to, from }: { to: string[]; from: string | undefined }): Promise<Outcome> {
  try {
    const { size } = await stat(file);
    if (size > MESSAGE_MAX) return { status: 'refused', reason: `it has ${size} octets; ${MESSAGE_MAX} can be sent` };
    const message = asSmtpData(await readFile(file));
    return await sender.send({ from: from ?? senderOf(message), to }, message);
  } catch (error) {
    return { status: 'refused', reason: error instanceof Error ? error.message : String(error) };
  }
}

/** The octets after DATA. */
export function asSmtpData(octets: Buffer): Buffer {
  const text = octets.toString('latin1').replace(/^From [^\r\n]*(\r\n|\r|\n)/, '');
  return Buffer.from(text.replace(/\r\n|\r|\n/g, '\r\n'), 'latin1');
}

/** Where the envelope sender stands in a header, in the order in which it counts. */
const SENDER_FIELDS = [
  /^Return-Path:[^\r\n<]{0,200}<([^\r\n<>]{0,254})>/im,
  /^From:[^\r\n<]{0,500}<([^\r\n<>]{1,254})>/im,
  /^From:[ \t]*([^\s<>]{1,254})[ \t]*$/im,
];

/** Return-Path, else From, else the null sender, which a bounce's Return-Path is too. */
export function senderOf(message: Buffer): string {
  const header = message.subarray(0, HEADER_MAX).toString('latin1').split('\r\n\r\n', 1)[0] ?? '';
  const named = SENDER_FIELDS.map((field) => field.exec(header)?.[1]).find(
    (found) => found === '' || (found && isAscii(found) && parseAddress(found)),
  );
  return named ?? '';
}

/** An envelope without SMTPUTF8 is ASCII (RFC 6531 §3.3). */
function isAscii(text: string): boolean {
  return /^[\u0021-\u007e]*$/.test(text);
}

/** A file itself; of a folder, all files in it, by name, hidden ones left out. */
async function listFiles(name: string): Promise<string[]> {
  const found = await stat(name).catch(() => null);
  if (found === null) throw new Failure(`${name} is not there.`);
  if (!found.isDirectory()) return [name];
  const entries = await readdir(name, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'));
  return files.map((entry) => path.join(entry.parentPath, entry.name)).sort();
}

function readTarget({ value, installation }: Call): { host: string; port: number } {
  const named = value('smtp');
  const [, host, port] = /^\[?([^\s\]]+?)\]?:(\d{1,5})$/.exec(named ?? '') ?? [];
  if (named !== undefined && host === undefined) throw new UsageError('--smtp must be HOST:PORT, e.g. mx.example.org:25.');
  if (host !== undefined) return { host, port: Number(port) };
  const own = installation.smtp();
  if (own) return own;
  throw new UsageError('A deployment has its receiver elsewhere: say where with --smtp HOST:PORT.');
}

function readWidth(text: string | undefined): number {
  const width = text === undefined ? CONNECTIONS : Number(text);
  if (Number.isInteger(width) && width >= 1 && width <= CONNECTIONS_MAX) return width;
  throw new UsageError(`--connections must be a number from 1 to ${CONNECTIONS_MAX}.`);
}

function showProgress({ terminal }: Call, { sent, refused }: Tally, total: number): void {
  terminal.progress(`${sent + refused.length} of ${total}${refused.length > 0 ? `, ${refused.length} refused` : ''}`);
}

function summarise({ terminal }: Call, { sent, refused }: Tally, milliseconds: number): void {
  terminal.progress('');
  for (const { file, reason } of refused.slice(0, REFUSALS_SHOWN)) terminal.note(`${file}: ${reason}`);
  if (refused.length > REFUSALS_SHOWN) terminal.note(`… and ${refused.length - REFUSALS_SHOWN} more.`);
  const seconds = Math.max(milliseconds, 1) / 1000;
  terminal.print(`${sent} delivered, ${refused.length} refused, in ${seconds.toFixed(1)} s (${Math.round(sent / seconds)} a second).`);
  if (refused.length > 0)
    throw new Failure(`${refused.length} of ${sent + refused.length} messages were not taken; the reasons stand above.`);
}
