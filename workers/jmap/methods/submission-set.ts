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
  optional,
  readAnything,
  readArguments,
  readId,
  readObject,
  readString,
  recordOf,
} from '../../../shared/jmap/readers.ts';
import { boundedSet, realId, SET_FIELDS, SetOutcome } from '../../../shared/jmap/set.ts';
import { mailboxesOf, parseAddressList } from '../../../shared/mime/addresses.ts';
import { headerValues, parseHeaderBlock } from '../../../shared/mime/headers.ts';
import type { Envelope } from '../../../shared/protocol.ts';
import { ensureIdentities } from '../../outbound/identities.ts';
import { type Refusal, refuseSubmission, submit } from '../../outbound/submission.ts';
import type { EmailRow } from '../../store/mail/types.ts';
import type { JmapContext, Method, MethodAnswer } from '../context.ts';
import { emailSet } from './email-set.ts';

const FIELDS = {
  ...SET_FIELDS,
  onSuccessUpdateEmail: nullable(mapOf(readObject)),
  onSuccessDestroyEmail: nullable(arrayOf(readId)),
};
const ADDRESS_FIELDS = { email: readString, parameters: nullable(mapOf(nullable(readString))) };
const CREATION_FIELDS = {
  identityId: readId,
  emailId: readId,
  envelope: nullable(recordOf({ mailFrom: recordOf(ADDRESS_FIELDS), rcptTo: arrayOf(recordOf(ADDRESS_FIELDS)) })),
  sendAt: optional(readAnything, undefined),
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
  for (const [key, record] of set.create) await create(context, outcome, done, key, record);
  for (const [id, patch] of set.update) await update(context, outcome, done, id, patch);
  for (const id of set.destroy) outcome.notDestroyed.set(id, { type: 'forbidden', description: 'submissions are kept as a record' });
  context.wrote();
  const answer: [string, Json][] = [['EmailSubmission/set', outcome.answer(accountId, oldState, (await context.states()).EmailSubmission)]];
  const follow = implicitSet(accountId, done, read.onSuccessUpdateEmail, read.onSuccessDestroyEmail);
  if (!follow) return answer;
  return [...answer, ...asResponses(await emailSet(follow, context))];
};

async function create(context: JmapContext, outcome: SetOutcome, done: Map<string, Done>, key: string, record: Json): Promise<void> {
  const made = await createOne(context, record);
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
  done.set(`#${key}`, made);
}

interface Made extends Done {
  threadId: string;
  sendAt: string;
  deliveryStatus: Json;
}

async function createOne(context: JmapContext, record: Json): Promise<Made | SetError> {
  let read: ReturnType<typeof readCreation>;
  try {
    read = readCreation(record, '');
  } catch (error) {
    if (error instanceof ShapeError) return invalidProperties([error.path.split('/')[0] ?? ''], error.message);
    throw error;
  }
  const email = await findEmail(context, realId(read.emailId, context.createdIds));
  if (!email) return invalidProperties(['emailId'], 'no such email');
  const identity = (await ensureIdentities(context.env, context.mail)).find(
    ({ row }) => encodeId('Identity', row.id) === realId(read.identityId, context.createdIds),
  )?.row;
  if (!identity) return invalidProperties(['identityId'], 'no such identity');
  const envelope = read.envelope
    ? envelopeOf(
        read.envelope.mailFrom.email,
        read.envelope.rcptTo.map(({ email: address }) => address),
      )
    : envelopeOf(identity.email, recipientsOf(email));
  const refusal = await refuseSubmission(context.env, context.account.id, envelope, email.headers);
  if (refusal) return refusalError(refusal);
  const now = Date.now();
  const submission = {
    key: crypto.randomUUID(),
    identity: identity.id,
    email: email.id,
    thread: email.thread,
    sha256: email.sha256,
    envelope,
    sendAt: now,
  };
  const id = await submit(context.env, context.mail, submission);
  const queued = { smtpReply: '250 2.0.0 queued', delivered: 'queued', displayed: 'unknown' };
  return {
    id: encodeId('EmailSubmission', id),
    emailId: encodeId('Email', email.id),
    threadId: encodeId('Thread', email.thread),
    sendAt: `${new Date(now).toISOString().slice(0, 19)}Z`,
    deliveryStatus: Object.fromEntries(envelope.rcptTo.map((recipient) => [recipient, queued])),
  };
}

async function findEmail(context: JmapContext, id: string): Promise<EmailRow | null> {
  const number = decodeId('Email', id);
  if (number === null) return null;
  const [email] = await context.mail.emails([number]);
  return email ?? null;
}

/** To, Cc and Bcc, each once (RFC 8621 §7.5: the envelope made from the message). */
function recipientsOf({ headers }: EmailRow): string[] {
  const fields = parseHeaderBlock(headers);
  return ['to', 'cc', 'bcc']
    .flatMap((name) => headerValues(fields, name))
    .flatMap((value) => mailboxesOf(parseAddressList(value)).map(({ email }) => email));
}

/** Addresses in the directory's form where they are such, once each. */
function envelopeOf(mailFrom: string, rcptTo: string[]): Envelope {
  const normal = (text: string) => {
    const address = parseAddress(text);
    return address ? formatAddress(address) : text;
  };
  return { mailFrom: normal(mailFrom), rcptTo: [...new Set(rcptTo.map(normal))] };
}

function refusalError(refusal: Refusal): SetError {
  const error = { type: refusal.reason, description: refusal.description } satisfies SetError;
  return refusal.reason === 'invalidRecipients' ? ({ ...error, invalidRecipients: refusal.recipients } as SetError) : error;
}

async function update(context: JmapContext, outcome: SetOutcome, done: Map<string, Done>, id: string, patch: Json): Promise<void> {
  const refused = await cancel(context, done, id, patch);
  if (refused) outcome.notUpdated.set(id, refused);
  else outcome.updated.set(id, null);
}

/** The one change there is: `undoStatus` to `canceled`, while it is pending. */
async function cancel(context: JmapContext, done: Map<string, Done>, id: string, patch: Json): Promise<SetError | null> {
  const number = decodeId('EmailSubmission', id);
  const [row] = number === null ? [] : await context.mail.submissions([number]);
  if (!row) return { type: 'notFound' };
  try {
    if (readUpdate(patch, '').undoStatus !== 'canceled') return invalidProperties(['undoStatus'], 'may only become canceled');
  } catch (error) {
    if (error instanceof ShapeError) return invalidProperties([error.path.split('/')[0] ?? '']);
    throw error;
  }
  const canceled = await context.mail.updateSubmission(row.id, { undoStatus: 'canceled', dueAt: null }, 'pending');
  if (!canceled) return { type: 'cannotUnsend' };
  if (row.email !== null) done.set(id, { id, emailId: encodeId('Email', row.email) });
  return null;
}

/** The implicit Email/set; null when nothing was asked for or nothing succeeded. */
function implicitSet(
  accountId: string,
  done: Map<string, Done>,
  updates: Map<string, Json> | null,
  destroys: string[] | null,
): Json | null {
  const update = [...(updates ?? [])].flatMap(([key, patch]) => {
    const found = done.get(key);
    return found ? [[found.emailId, patch] as const] : [];
  });
  const destroy = (destroys ?? []).flatMap((key) => done.get(key)?.emailId ?? []);
  if (update.length === 0 && destroy.length === 0) return null;
  return { accountId, update: Object.fromEntries(update), destroy };
}

function asResponses(answer: MethodAnswer): [string, Json][] {
  return Array.isArray(answer) ? answer : [['Email/set', answer]];
}
