/**
 * Making the emails of an Email/set (RFC 8621 §4.6): plans read, blobs looked at, messages put together into the bucket,
 * rows written in batches. Small blobs are read once; large ones are streamed when their turn comes.
 */
import type { BlobContent } from '../../../shared/jmap/email/build.ts';
import { blobsOf, buildMessage, unencodedBlobsOf } from '../../../shared/jmap/email/build.ts';
import type { EmailCreation } from '../../../shared/jmap/email/creation.ts';
import { readCreation } from '../../../shared/jmap/email/creation.ts';
import { EMAIL_DEFAULTS, emailPlan } from '../../../shared/jmap/email/properties.ts';
import { OctetSurvey } from '../../../shared/jmap/email/survey.ts';
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { rateLimit } from '../../../shared/jmap/errors.ts';
import type { SetOutcome } from '../../../shared/jmap/set.ts';
import { realId } from '../../../shared/jmap/set.ts';
import type { MailStore } from '../../store/mail/types.ts';
import { openBlob } from '../blobs.ts';
import { readStream } from '../body.ts';
import type { JmapContext } from '../context.ts';
import { putSegments, scanMessage } from '../segments.ts';
import { messageSizeMax } from '../session.ts';
import type { Keeping } from './keeping.ts';
import { inBatches, keepMessages } from './keeping.ts';
import { emailObject } from './object.ts';
import { storedEmail } from './stored.ts';

/** Octets of blobs that are held while one message is made; what goes beyond is streamed. */
const HELD_MAX = 1024 * 1024;

/** Makes what can be made; every creation ends in `outcome`. */
export async function createEmails(
  context: JmapContext,
  creations: ReadonlyMap<string, Json>,
  ifInState: string | null,
  outcome: SetOutcome,
): Promise<void> {
  let guard = ifInState;
  for (const batch of inBatches(creations)) {
    const messages: Keeping[] = [];
    for (const [key, record] of batch) {
      const message = await makeMessage(context, key, record);
      if ('type' in message) outcome.notCreated.set(key, message);
      else messages.push(message);
    }
    const kept = await keepMessages(context, messages, guard);
    // From here on the state is one that this call has made.
    if (messages.length > 0) guard = null;
    for (const [key, created] of kept.created) outcome.created.set(key, created);
    for (const [key, error] of kept.notCreated) outcome.notCreated.set(key, error);
  }
}

async function makeMessage(context: JmapContext, key: string, record: Json): Promise<Keeping | SetError> {
  const creation = readCreation(record, context.createdIds);
  if ('type' in creation) return creation;
  if (!context.take(1 + new Set(blobsOf(creation.body)).size)) return rateLimit();
  const max = messageSizeMax(context.env);
  const blobs = await lookAtBlobs(context, creation, max);
  if ('type' in blobs) return blobs;
  const domain = context.account.address.split('@').at(-1) ?? 'localhost';
  const segments = buildMessage(creation, { blobs, unique: crypto.randomUUID(), domain, now: Date.now() });
  const scanned = await scanMessage(context.mail, segments, max);
  if (scanned === 'tooLarge') return tooLarge(max);
  await putSegments(context.mail, segments, scanned);
  const { mailboxes, keywords, receivedAt } = creation;
  const { sha256, index } = scanned;
  const made: Keeping = { key, sha256, index, mailboxes, keywords, receivedAt: receivedAt ?? Date.now() };
  return blobs.size > 0 ? { ...made, more: (row) => bodyOf(context, row, record) } : made;
}

const BODY_PROPERTIES = ['bodyStructure', 'textBody', 'htmlBody', 'attachments'];

/** The parts have got blob ids of their own, so the client is told (RFC 8620 §6): the properties it gave, as they stand now. */
function bodyOf(context: JmapContext, row: Parameters<typeof storedEmail>[1], record: Json): Promise<Json> {
  const properties = BODY_PROPERTIES.filter((name) => record[name] != null);
  const plan = emailPlan(
    {
      properties,
      bodyProperties: null,
      fetchTextBodyValues: false,
      fetchHTMLBodyValues: false,
      fetchAllBodyValues: false,
      maxBodyValueBytes: 0,
    },
    EMAIL_DEFAULTS,
  );
  return emailObject(storedEmail(context.mail, row), plan);
}

function tooLarge(max: number): SetError {
  return { type: 'tooLarge', description: `a message may have ${max} octets` };
}

/** What the creation's blobs are like; a SetError when one is not there, or all of them can never fit. */
async function lookAtBlobs(
  { mail, createdIds }: JmapContext,
  { body }: EmailCreation,
  max: number,
): Promise<Map<string, BlobContent> | SetError> {
  const found = new Map<string, BlobContent>();
  const missing: string[] = [];
  const surveyed = new Set(unencodedBlobsOf(body));
  let held = 0;
  let octets = 0;
  for (const id of new Set(blobsOf(body))) {
    const blobId = realId(id, createdIds);
    const content = await lookAtBlob(mail, blobId, HELD_MAX - held, surveyed.has(id));
    if (content === null) missing.push(id);
    else {
      found.set(id, content.content);
      held += 'octets' in content.content ? content.content.octets.length : 0;
      octets += content.size ?? 0;
    }
  }
  if (missing.length > 0) return { type: 'blobNotFound', notFound: missing };
  return octets > max ? tooLarge(max) : found;
}

interface Looked {
  content: BlobContent;
  /** Octets, as far as they are known without reading. */
  size: number | null;
}

async function lookAtBlob(mail: MailStore, blobId: string, room: number, isSurveyed: boolean): Promise<Looked | null> {
  const blob = await openBlob(mail, blobId);
  if (blob === null) return null;
  const size = blob.length;
  if (size === null || size <= room) {
    const octets = await readStream(blob.body, room);
    if (octets !== null) return { content: { octets }, size: octets.length };
  } else await blob.body.cancel();
  return { content: { blobId, survey: isSurveyed ? await surveyBlob(mail, blobId) : null }, size };
}

async function surveyBlob(mail: MailStore, blobId: string) {
  const survey = new OctetSurvey();
  const blob = await openBlob(mail, blobId);
  if (blob !== null) for await (const chunk of blob.body) survey.write(chunk);
  return survey.finish();
}
