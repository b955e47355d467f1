/**
 * Creating an EmailSubmission (RFC 8621 §7.5), which sends: the email and identity are looked up, the envelope is taken or
 * made from the header, everything is checked against the account, and the row that is the outbox is written.
 */
import { formatAddress, parseAddress } from '../../../shared/address.ts';
import { utcDate } from '../../../shared/jmap/dates.ts';
import { isSameJson } from '../../../shared/jmap/equal.ts';
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { invalidProperties, ShapeError } from '../../../shared/jmap/errors.ts';
import { decodeId, encodeId } from '../../../shared/jmap/ids.ts';
import { nullable, readId, recordOf } from '../../../shared/jmap/readers.ts';
import { realId } from '../../../shared/jmap/set.ts';
import { type Parameters, readEnvelope, readMailParameters } from '../../../shared/jmap/submission.ts';
import { addrSpec, mailboxesOf, parseAddressList } from '../../../shared/mime/addresses.ts';
import { headerValues, parseHeaderBlock } from '../../../shared/mime/headers.ts';
import { byteString } from '../../../shared/mime/octets.ts';
import { messageIdOf, readHeader } from '../../outbound/header.ts';
import { queuedStatus, RECIPIENTS_MAX, type Refusal, refuseSubmission, submit } from '../../outbound/submission.ts';
import type { EmailRow, IdentityRow } from '../../store/mail/types.ts';
import type { JmapContext } from '../context.ts';
import { messageSizeMax } from '../session.ts';
import { envelopeObject } from './object.ts';

const readCreation = recordOf({ identityId: readId, emailId: readId, envelope: nullable(readEnvelope) });

/** A submission made, and the email it was of. */
export interface Made {
  id: string;
  emailId: string;
  /** What the client does not know of it. */
  answer: Json;
}

/** An envelope as it is kept. */
interface Sending {
  mailFrom: string;
  parameters: Parameters | null;
  rcptTo: string[];
}

/** Six queries beside the identities, a read of the original's header, and a word to the hub and the Queue. */
export async function createSubmission(context: JmapContext, identities: readonly IdentityRow[], record: Json): Promise<Made | SetError> {
  const now = Date.now();
  const read = orRefused(() => readCreation(record, ''));
  if ('type' in read) return read;
  const email = await findEmail(context, realId(read.emailId, context.createdIds));
  if (!email) return invalidProperties(['emailId'], 'no such email');
  const identity = identities.find(({ id }) => encodeId('Identity', id) === realId(read.identityId, context.createdIds));
  if (!identity) return invalidProperties(['identityId'], 'no such identity');
  const asked = orRefused(() => readMailParameters(read.envelope?.mailFrom.parameters ?? null, now));
  if ('type' in asked) return asked;
  const sizeMax = messageSizeMax(context.env);
  if (Math.max(email.size, asked.size ?? 0) > sizeMax) return { type: 'tooLarge', maxSize: sizeMax } as SetError;
  const original = await readHeader(context.mail, email.sha256);
  const header = original?.header ?? null;
  const sending = read.envelope ? givenEnvelope(read.envelope) : envelopeOf(identity, header);
  if ('type' in sending) return sending;
  const refusal = await refuseSubmission(context.env, context.account.id, sending, header);
  if (refusal) return refusalError(refusal);
  const sendAt = asked.releaseAt ?? now;
  const id = await submit(context.env, context.mail, {
    key: crypto.randomUUID(),
    identity: identity.id,
    email: email.id,
    thread: email.thread,
    sha256: email.sha256,
    envelope: sending,
    parameters: sending.parameters,
    messageId: messageIdOf(header),
    sendAt,
  });
  const answer: Json = {
    id: encodeId('EmailSubmission', id),
    threadId: encodeId('Thread', email.thread),
    sendAt: utcDate(sendAt),
    undoStatus: 'pending',
    deliveryStatus: queuedStatus(sending.rcptTo),
    dsnBlobIds: [],
    mdnBlobIds: [],
    ...changedEnvelope(record, sending),
  };
  return { id: encodeId('EmailSubmission', id), emailId: encodeId('Email', email.id), answer };
}

/** The envelope, when it is not the one that the client wrote: made here, or without what it named twice (RFC 8620 §5.3). */
function changedEnvelope({ envelope }: Json, sending: Sending): Json {
  const made = envelopeObject(sending);
  return isSameJson(envelope, made) ? {} : { envelope: made };
}

/** What a reader gives, or the SetError that its ShapeError means. */
export function orRefused<Value extends object>(read: () => Value): Value | SetError {
  try {
    return read();
  } catch (error) {
    if (error instanceof ShapeError) return invalidProperties([error.path.split('/')[0] ?? ''], error.message);
    throw error;
  }
}

async function findEmail(context: JmapContext, id: string): Promise<EmailRow | null> {
  const number = decodeId('Email', id);
  if (number === null) return null;
  const [email] = await context.mail.emails([number]);
  return email ?? null;
}

function givenEnvelope({ mailFrom, rcptTo }: ReturnType<typeof readEnvelope>): Sending {
  return { mailFrom: mailFrom.email, parameters: mailFrom.parameters, rcptTo: distinct(rcptTo.map(({ email }) => email)) };
}

/**
 * The envelope made from the message (RFC 8621 §7): to everybody in To, Cc and Bcc. It is from the identity's address, the
 * only one the identity allows; a message that names several senders needs an envelope of its own.
 */
function envelopeOf(identity: IdentityRow, header: Uint8Array | null): Sending | SetError {
  const fields = parseHeaderBlock(byteString(header ?? new Uint8Array()));
  const addresses = (...names: string[]) =>
    names.flatMap((name) => headerValues(fields, name)).flatMap((value) => mailboxesOf(parseAddressList(value)).map(addrSpec));
  const name = headerValues(fields, 'sender').length > 0 ? 'sender' : 'from';
  if (addresses(name).length > 1)
    return { type: 'invalidEmail', properties: [name], description: 'several senders: say which one in an envelope' };
  return { mailFrom: identity.email, parameters: null, rcptTo: distinct(addresses('to', 'cc', 'bcc')) };
}

/** As written, because the local part is the other side's to compare; once each as far as we can tell. */
function distinct(addresses: readonly string[]): string[] {
  const normal = (text: string) => {
    const address = parseAddress(text);
    return address ? formatAddress(address) : text;
  };
  const seen = new Map<string, string>();
  for (const address of addresses) if (!seen.has(normal(address))) seen.set(normal(address), address);
  return [...seen.values()];
}

function refusalError(refusal: Refusal): SetError {
  const { reason: type, description } = refusal;
  if (type === 'invalidEmail') return { type, description, properties: refusal.properties };
  if (type === 'tooManyRecipients') return { type, description, maxRecipients: RECIPIENTS_MAX } as SetError;
  if (type === 'invalidRecipients') return { type, description, invalidRecipients: refusal.recipients } as SetError;
  return { type, description };
}
