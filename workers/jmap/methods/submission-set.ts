/**
 * EmailSubmission/set (RFC 8621 §7.5): creating one sends; `undoStatus` to `canceled` takes it back while it has not
 * left. What `onSuccess…Email` asks for follows as an implicit Email/set.
 */
import { formatAddress, parseAddress } from '../../../shared/address.ts';
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { invalidProperties, MethodError, ShapeError } from '../../../shared/jmap/errors.ts';
import { decodeId, encodeId } from '../../../shared/jmap/ids.ts';
import {
  arrayOf,
  mapOf,
  nullable,
  type Reader,
  readArguments,
  readId,
  readObject,
  readString,
  recordOf,
} from '../../../shared/jmap/readers.ts';
import { boundedSet, realId, SET_FIELDS, SetOutcome } from '../../../shared/jmap/set.ts';
import { mailboxesOf, parseAddressList } from '../../../shared/mime/addresses.ts';
import { headerValues, parseHeaderBlock } from '../../../shared/mime/headers.ts';
import { byteString } from '../../../shared/mime/octets.ts';
import type { Envelope } from '../../../shared/protocol.ts';
import { readHeader } from '../../outbound/header.ts';
import { ensureIdentities } from '../../outbound/identities.ts';
import { RECIPIENTS_MAX, type Refusal, refuseSubmission, submit } from '../../outbound/submission.ts';
import type { EmailRow, IdentityRow } from '../../store/mail/types.ts';
import type { JmapContext, Method, MethodAnswer } from '../context.ts';
import { messageSizeMax } from '../session.ts';
import { emailSet } from './email-set.ts';

/** A parameter of MAIL FROM or RCPT TO asks for an extension, and we offer none (`submissionExtensions`). */
const readNoParameters: Reader<null> = (value, path) => {
  const parameters = nullable(readObject)(value, path);
  if (parameters !== null && Object.keys(parameters).length > 0) throw new ShapeError(path, 'names no extension offered here');
  return null;
};

const FIELDS = {
  ...SET_FIELDS,
  onSuccessUpdateEmail: nullable(mapOf(readObject)),
  onSuccessDestroyEmail: nullable(arrayOf(readId)),
};
const ADDRESS_FIELDS = { email: readString, parameters: readNoParameters };
const CREATION_FIELDS = {
  identityId: readId,
  emailId: readId,
  envelope: nullable(recordOf({ mailFrom: recordOf(ADDRESS_FIELDS), rcptTo: arrayOf(recordOf(ADDRESS_FIELDS)) })),
};
const readCreation = recordOf(CREATION_FIELDS);
const readUpdate = recordOf({ undoStatus: readString });

/** A submission made, and the email it was of: what the `onSuccess` arguments refer to. */
interface Done {
  id: string;
  emailId: string;
}

export const submissionSet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const read = readArguments(args, FIELDS);
  const set = boundedSet(read, context.createdIds);
  const { EmailSubmission: oldState } = await context.states();
  if (set.ifInState !== null && set.ifInState !== oldState) throw new MethodError('stateMismatch');
  const outcome = new SetOutcome();
  const done = new Map<string, Done>();
  const identities = set.create.size > 0 ? (await ensureIdentities(context.env, context.mail)).map(({ row }) => row) : [];
  for (const [key, record] of set.create) await create(context, { outcome, done, identities }, key, record);
  for (const [key, patch] of set.update) await update(context, outcome, done, key, patch);
  for (const id of set.destroy) outcome.notDestroyed.set(id, { type: 'forbidden', description: 'submissions are kept as a record' });
  context.wrote();
  const answer: [string, Json][] = [['EmailSubmission/set', outcome.answer(accountId, oldState, (await context.states()).EmailSubmission)]];
  const follow = implicitSet(context, accountId, done, read);
  if (!follow) return answer;
  return [...answer, ...asResponses(await emailSet(follow, context))];
};

/** What one call makes, and from what. */
interface Creating {
  outcome: SetOutcome;
  done: Map<string, Done>;
  identities: IdentityRow[];
}

async function create(context: JmapContext, { outcome, done, identities }: Creating, key: string, record: Json): Promise<void> {
  const made = await createOne(context, identities, record);
  if ('type' in made) {
    outcome.notCreated.set(key, made);
    return;
  }
  context.createdIds.set(key, made.id);
  outcome.created.set(key, {
    id: made.id,
    threadId: made.threadId,
    sendAt: made.sendAt,
    undoStatus: 'pending',
    deliveryStatus: made.deliveryStatus,
    dsnBlobIds: [],
    mdnBlobIds: [],
  });
  done.set(made.id, made);
}

interface Made extends Done {
  threadId: string;
  sendAt: string;
  deliveryStatus: Json;
}

/** Nine queries beside the identities, and a read of the original's header. */
async function createOne(context: JmapContext, identities: readonly IdentityRow[], record: Json): Promise<Made | SetError> {
  const read = readRecord(readCreation, record);
  if ('type' in read) return read;
  const email = await findEmail(context, realId(read.emailId, context.createdIds));
  if (!email) return invalidProperties(['emailId'], 'no such email');
  const sizeMax = messageSizeMax(context.env);
  if (email.size > sizeMax) return { type: 'tooLarge', maxSize: sizeMax } as SetError;
  const identity = identities.find(({ id }) => encodeId('Identity', id) === realId(read.identityId, context.createdIds));
  if (!identity) return invalidProperties(['identityId'], 'no such identity');
  const original = await readHeader(context.mail, email.sha256);
  const envelope = read.envelope ? givenEnvelope(read.envelope) : envelopeOf(identity, original?.header ?? null);
  if ('type' in envelope) return envelope;
  const refusal = await refuseSubmission(context.env, context.account.id, envelope, original?.header ?? null);
  if (refusal) return refusalError(refusal);
  const { id: emailId, thread, sha256 } = email;
  const sendAt = Date.now();
  const key = crypto.randomUUID();
  const id = await submit(context.env, context.mail, { key, identity: identity.id, email: emailId, thread, sha256, envelope, sendAt });
  const queued = { smtpReply: '250 2.0.0 queued', delivered: 'queued', displayed: 'unknown' };
  return {
    id: encodeId('EmailSubmission', id),
    emailId: encodeId('Email', emailId),
    threadId: encodeId('Thread', thread),
    sendAt: `${new Date(sendAt).toISOString().slice(0, 19)}Z`,
    deliveryStatus: Object.fromEntries(envelope.rcptTo.map((recipient) => [recipient, queued])),
  };
}

function readRecord<Value extends object>(reader: Reader<Value>, record: Json): Value | SetError {
  try {
    return reader(record, '');
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

type Given = NonNullable<ReturnType<typeof readCreation>['envelope']>;

function givenEnvelope({ mailFrom, rcptTo }: Given): Envelope {
  return { mailFrom: mailFrom.email, rcptTo: distinct(rcptTo.map(({ email }) => email)) };
}

/**
 * The envelope made from the message (RFC 8621 §7): to everybody in To, Cc and Bcc. It is from the identity's address, the
 * only one the identity allows; a message that names several senders needs an envelope of its own.
 */
function envelopeOf(identity: IdentityRow, header: Uint8Array | null): Envelope | SetError {
  const fields = parseHeaderBlock(byteString(header ?? new Uint8Array()));
  const addresses = (...names: string[]) =>
    names.flatMap((name) => headerValues(fields, name)).flatMap((value) => mailboxesOf(parseAddressList(value)).map(({ email }) => email));
  const name = headerValues(fields, 'sender').length > 0 ? 'sender' : 'from';
  if (addresses(name).length > 1)
    return { type: 'invalidEmail', properties: [name], description: 'several senders: say which one in an envelope' };
  return { mailFrom: identity.email, rcptTo: distinct(addresses('to', 'cc', 'bcc')) };
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

function refusalError({ reason, description, ...more }: Refusal): SetError {
  const details: Partial<Record<Refusal['reason'], Json>> = {
    invalidEmail: { properties: ['from'] },
    tooManyRecipients: { maxRecipients: RECIPIENTS_MAX },
    invalidRecipients: 'recipients' in more ? { invalidRecipients: more.recipients } : {},
  };
  return { type: reason, description, ...details[reason] };
}

async function update(context: JmapContext, outcome: SetOutcome, done: Map<string, Done>, key: string, patch: Json): Promise<void> {
  const refused = await cancel(context, done, realId(key, context.createdIds), patch);
  if (refused) outcome.notUpdated.set(key, refused);
  else outcome.updated.set(key, null);
}

/** The one change there is: `undoStatus` to `canceled`, while it is pending. */
async function cancel(context: JmapContext, done: Map<string, Done>, id: string, patch: Json): Promise<SetError | null> {
  const number = decodeId('EmailSubmission', id);
  const [row] = number === null ? [] : await context.mail.submissions([number]);
  if (!row) return { type: 'notFound' };
  const read = readRecord(readUpdate, patch);
  if ('type' in read) return read;
  if (read.undoStatus !== row.undoStatus) {
    if (read.undoStatus !== 'canceled') return invalidProperties(['undoStatus'], 'may only become canceled');
    const canceled = await context.mail.updateSubmission(row.id, { undoStatus: 'canceled', dueAt: null }, 'pending');
    if (!canceled) return { type: 'cannotUnsend' };
  }
  if (row.email !== null) done.set(id, { id, emailId: encodeId('Email', row.email) });
  return null;
}

/** The implicit Email/set; null when nothing was asked for or nothing succeeded. Keys are ids, or `#` and a creation id. */
function implicitSet(
  context: JmapContext,
  accountId: string,
  done: ReadonlyMap<string, Done>,
  {
    onSuccessUpdateEmail,
    onSuccessDestroyEmail,
  }: { onSuccessUpdateEmail: Map<string, Json> | null; onSuccessDestroyEmail: string[] | null },
): Json | null {
  const emailOf = (key: string) => done.get(realId(key, context.createdIds))?.emailId;
  const update = [...(onSuccessUpdateEmail ?? [])].flatMap(([key, patch]) => {
    const emailId = emailOf(key);
    return emailId === undefined ? [] : [[emailId, patch] as const];
  });
  const destroy = (onSuccessDestroyEmail ?? []).flatMap((key) => emailOf(key) ?? []);
  if (update.length === 0 && destroy.length === 0) return null;
  return { accountId, update: Object.fromEntries(update), destroy };
}

function asResponses(answer: MethodAnswer): [string, Json][] {
  return Array.isArray(answer) ? answer : [['Email/set', answer]];
}
