/**
 * Making a submission: may this account write as that, are the recipients ones that can be sent to, then the row
 * that is the outbox and a word to the Queue. Used by `POST /submit` and by EmailSubmission/set alike.
 */
import { formatAddress, isMailbox, parseAddress } from '../../shared/address.ts';
import { mailboxesOf, parseAddressList } from '../../shared/mime/addresses.ts';
import { FIELDS_MAX, headerValues, parseHeaderBlock } from '../../shared/mime/headers.ts';
import { byteString } from '../../shared/mime/octets.ts';
import type { Envelope } from '../../shared/protocol.ts';
import { hashMessageId } from '../../shared/threads.ts';
import type { Env } from '../env.ts';
import { openDirectory } from '../store/directory/index.ts';
import type { SubmissionRow } from '../store/mail/submission-rows.ts';
import type { MailStore } from '../store/mail/types.ts';
import { announce } from './announce.ts';
import { HEADER_MAX } from './header.ts';
import { replyLine } from './relay.ts';

/** RFC 5321 §4.5.3.1.8 asks for at least 100; more is a mailing list's work. */
export const RECIPIENTS_MAX = 100;

/** Addresses in From and Sender; the parser stops at a thousand, and nobody may hide behind them. */
const SENDERS_MAX = 100;

/** Why a submission cannot be; the words are JMAP's (RFC 8621 §7.5). */
export type Refusal =
  | { reason: 'forbiddenFrom' | 'forbiddenMailFrom' | 'noRecipients' | 'tooManyRecipients'; description: string }
  /** `properties`: those of the Email that are wrong. */
  | { reason: 'invalidEmail'; description: string; properties: string[] }
  | { reason: 'invalidRecipients'; description: string; recipients: string[] };

/**
 * Checks the envelope and who the message says it is from against the account. `header` is the original's own header
 * section; null: it is too long. Null: it may be sent. Two queries.
 */
export async function refuseSubmission(env: Env, account: number, envelope: Envelope, header: Uint8Array | null): Promise<Refusal | null> {
  const read = readSenders(header);
  if ('reason' in read) return read;
  const directory = openDirectory(env);
  const { senders } = read;
  // Nothing can come back to the null reverse-path; whoever writes an MDN has to use it (RFC 8098 §3).
  const paths = envelope.mailFrom === '' ? [] : [envelope.mailFrom];
  if (!(await directory.maySendAs(account, [...senders, ...paths]))) {
    const isOwnFrom = await directory.maySendAs(account, senders);
    return isOwnFrom
      ? { reason: 'forbiddenMailFrom', description: `${envelope.mailFrom} is not an address of this account` }
      : { reason: 'forbiddenFrom', description: `${listed(senders)} is not an address of this account` };
  }
  return refuseRecipients(env, envelope.rcptTo);
}

async function refuseRecipients(env: Env, rcptTo: string[]): Promise<Refusal | null> {
  if (rcptTo.length === 0) return { reason: 'noRecipients', description: 'nobody to send it to' };
  if (rcptTo.length > RECIPIENTS_MAX) return { reason: 'tooManyRecipients', description: `at most ${RECIPIENTS_MAX} recipients` };
  const malformed = rcptTo.filter((recipient) => !isMailbox(recipient));
  const resolved = await openDirectory(env).resolve(rcptTo.filter((recipient) => !malformed.includes(recipient)));
  const unknown = [...resolved].filter(([, { status }]) => status === 'unknown').map(([recipient]) => recipient);
  const recipients = [...malformed, ...unknown];
  if (recipients.length === 0) return null;
  return { reason: 'invalidRecipients', description: `no such address: ${listed(recipients)}`, recipients };
}

/** From and Sender, in the directory's form; what is no address stays as written and belongs to nobody. */
function readSenders(header: Uint8Array | null): { senders: string[] } | Refusal {
  const block = header === null ? '' : byteString(header);
  const fields = parseHeaderBlock(block);
  if (header === null || fields.length >= FIELDS_MAX) {
    return invalidEmail('headers', `the header has more than ${HEADER_MAX} octets or ${FIELDS_MAX} fields`);
  }
  if (header.includes(0) || hasBareBreak(block)) {
    return invalidEmail('headers', 'the header has a bare CR, a bare LF or a NUL');
  }
  const mailboxes = (name: string) => headerValues(fields, name).flatMap((value) => mailboxesOf(parseAddressList(value)));
  const from = mailboxes('from');
  const senders = [...from, ...mailboxes('sender')].map(({ email }) => normal(email));
  if (from.length === 0) return invalidEmail('from', 'the message has no From address');
  if (senders.length > SENDERS_MAX)
    return invalidEmail(from.length > SENDERS_MAX ? 'from' : 'sender', `the message is from more than ${SENDERS_MAX} addresses`);
  return { senders };
}

function invalidEmail(property: string, description: string): Refusal {
  return { reason: 'invalidEmail', description, properties: [property] };
}

/**
 * RFC 5322 §2.2 knows CR and LF only as a pair: what takes one alone for a line end sees fields in a value, a second From
 * for instance, and servers differ there (as they do about NUL).
 */
function hasBareBreak(block: string): boolean {
  return /\r(?!\n)|(?<!\r)\n/.test(block);
}

function normal(email: string): string {
  const address = parseAddress(email);
  return address ? formatAddress(address) : email;
}

/** Names for a description, which becomes one SMTP reply line. */
function listed(addresses: readonly string[]): string {
  return replyLine(addresses.slice(0, 5).join(', '));
}

/** What is to be submitted: a message the account has, an envelope that was checked. */
export interface NewSubmission {
  /** Makes it once: a second call with the same key answers the first one's id. */
  key: string;
  identity: number;
  email: number | null;
  thread: number | null;
  sha256: string;
  envelope: Envelope;
  /** Of MAIL FROM. */
  parameters?: SubmissionRow['parameters'];
  /** By which reports will name it; null when the message has none of its own. */
  messageId: string | null;
  /** When it is to leave, epoch milliseconds; until then it can be taken back. */
  sendAt: number;
  /** False for what no client submitted. */
  isListed?: boolean;
}

/** Writes the row and tells the Queue: four queries, one of them to find a first call with the same key. */
export async function submit(env: Env, store: MailStore, submission: NewSubmission): Promise<number> {
  const { key, envelope, sendAt, messageId, ...rest } = submission;
  const rcptTo = [...new Set(envelope.rcptTo)];
  const id = await store.addSubmission(key, {
    ...rest,
    mailFrom: envelope.mailFrom,
    rcptTo,
    undoStatus: 'pending',
    deliveryStatus: queuedStatus(rcptTo),
    sendAt,
    dueAt: sendAt,
    messageHash: messageId === null ? null : await hashMessageId(messageId),
  });
  await announce(env, { account: store.account.id, submission: id }, sendAt);
  return id;
}

/** The state every recipient begins in. */
export function queuedStatus(rcptTo: string[]): SubmissionRow['deliveryStatus'] {
  const queued = { smtpReply: '250 2.0.0 queued', delivered: 'queued', displayed: 'unknown' } as const;
  return Object.fromEntries(rcptTo.map((recipient) => [recipient, queued]));
}
