/**
 * Making a submission: may this account write as that, are the recipients ones that can be sent to, then the row
 * that is the outbox and a word to the Queue. Used by `POST /submit` and by EmailSubmission/set alike.
 */
import { formatAddress, parseAddress } from '../../shared/address.ts';
import { mailboxesOf, parseAddressList } from '../../shared/mime/addresses.ts';
import { headerValues, parseHeaderBlock } from '../../shared/mime/headers.ts';
import type { Envelope } from '../../shared/protocol.ts';
import type { Env } from '../env.ts';
import { openDirectory } from '../store/directory/index.ts';
import type { MailStore, SubmissionRow } from '../store/mail/types.ts';
import { announce } from './outbox.ts';

/** RFC 5321 §4.5.3.1.8 asks for at least 100; more is a mailing list's work. */
export const RECIPIENTS_MAX = 100;

/** Why a submission cannot be; the words are JMAP's (RFC 8621 §7.5). */
export type Refusal =
  | { reason: 'forbiddenFrom' | 'forbiddenMailFrom' | 'noRecipients' | 'tooManyRecipients' | 'invalidEmail'; description: string }
  | { reason: 'invalidRecipients'; description: string; recipients: string[] };

/** Checks the envelope and the message's From against the account. Null: it may be sent. One or two queries. */
export async function refuseSubmission(env: Env, account: number, envelope: Envelope, headers: string): Promise<Refusal | null> {
  const from = fromAddresses(headers);
  if (from.length === 0) return { reason: 'invalidEmail', description: 'the message has no From address' };
  const directory = openDirectory(env);
  if (!(await directory.maySendAs(account, from)))
    return { reason: 'forbiddenFrom', description: `${from.join(', ')} is not an address of this account` };
  if (!(await directory.maySendAs(account, [envelope.mailFrom]))) {
    return { reason: 'forbiddenMailFrom', description: `${envelope.mailFrom} is not an address of this account` };
  }
  return refuseRecipients(env, envelope.rcptTo);
}

async function refuseRecipients(env: Env, rcptTo: string[]): Promise<Refusal | null> {
  if (rcptTo.length === 0) return { reason: 'noRecipients', description: 'nobody to send it to' };
  if (rcptTo.length > RECIPIENTS_MAX) return { reason: 'tooManyRecipients', description: `at most ${RECIPIENTS_MAX} recipients` };
  const malformed = rcptTo.filter((recipient) => parseAddress(recipient) === null);
  const resolved = await openDirectory(env).resolve(rcptTo.filter((recipient) => !malformed.includes(recipient)));
  const unknown = [...resolved].filter(([, { status }]) => status === 'unknown').map(([recipient]) => recipient);
  const recipients = [...malformed, ...unknown];
  if (recipients.length === 0) return null;
  return { reason: 'invalidRecipients', description: `no such address: ${recipients.join(', ')}`, recipients };
}

/** From and Sender of a header block, in the directory's form; what is no address stays as written and belongs to nobody. */
function fromAddresses(headers: string): string[] {
  const fields = parseHeaderBlock(headers);
  const listed = ['from', 'sender'].flatMap((name) => headerValues(fields, name)).flatMap((value) => mailboxesOf(parseAddressList(value)));
  return listed.map(({ email }) => {
    const address = parseAddress(email);
    return address ? formatAddress(address) : email;
  });
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
  /** Epoch milliseconds. */
  sendAt: number;
}

/** Writes the row and tells the Queue. */
export async function submit(env: Env, store: MailStore, submission: NewSubmission): Promise<number> {
  const { key, envelope, sendAt, ...rest } = submission;
  const id = await store.addSubmission(key, {
    ...rest,
    mailFrom: envelope.mailFrom,
    rcptTo: envelope.rcptTo,
    undoStatus: 'pending',
    deliveryStatus: queuedStatus(envelope.rcptTo),
    sendAt,
    dueAt: sendAt,
  });
  await announce(env, { account: store.account.id, submission: id });
  return id;
}

function queuedStatus(rcptTo: string[]): SubmissionRow['deliveryStatus'] {
  const queued = { smtpReply: '250 2.0.0 queued', delivered: 'queued', displayed: 'unknown' } as const;
  return Object.fromEntries(rcptTo.map((recipient) => [recipient, queued]));
}
