/**
 * Email/parse (RFC 8621 §4.9): a blob read as a message without keeping it, as a stream. The parts of an enclosed message
 * get blob ids of their own when they lie in a stored original as they are; of one that was encoded the decoded octets
 * are put beside the originals first, as an upload is, because a blob id must lead to something.
 */
import { GET_OBJECTS_MAX } from '../../../shared/jmap/capabilities.ts';
import { BODY_FIELDS, emailPlan, PARSE_DEFAULTS } from '../../../shared/jmap/email/properties.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import { MethodError } from '../../../shared/jmap/errors.ts';
import { decodeBlobId } from '../../../shared/jmap/ids.ts';
import { arrayOf, nullable, readArguments, readId, readString } from '../../../shared/jmap/readers.ts';
import { mapOrNull, realId } from '../../../shared/jmap/set.ts';
import type { MessageIndex } from '../../../shared/mime/index-types.ts';
import { CondemnedOriginal } from '../../store/mail/index.ts';
import { noteUpload } from '../../store/uploads.ts';
import type { JmapContext, Method } from '../context.ts';
import { looksLikeMessage } from '../email/message-shape.ts';
import type { EmailSource } from '../email/object.ts';
import { emailObject, KeptHeaders, ReadBudget } from '../email/object.ts';
import { StoredOriginal } from '../email/original.ts';
import { partBlobId } from '../email/stored.ts';
import type { Scanned } from '../segments.ts';
import { putSegments, scanBlob } from '../segments.ts';
import { messageSizeMax } from '../session.ts';

const FIELDS = { accountId: readId, blobIds: arrayOf(readId), properties: nullable(arrayOf(readString)), ...BODY_FIELDS };

export const emailParse: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const read = readArguments(args, FIELDS);
  const blobIds = [...new Set(read.blobIds)];
  const max = Math.min(GET_OBJECTS_MAX, context.messagesLeft);
  if (blobIds.length > max) throw new MethodError('requestTooLarge', `at most ${max} blobs`);
  const plan = emailPlan(read, PARSE_DEFAULTS);
  const parsed = new Map<string, Json>();
  const budget = new ReadBudget();
  const notParsable: string[] = [];
  const notFound: string[] = [];
  for (const blobId of blobIds) {
    context.take();
    const email = await parseBlob(context, realId(blobId, context.createdIds));
    if (email === 'notFound') notFound.push(blobId);
    else if (email === 'notParsable') notParsable.push(blobId);
    else parsed.set(blobId, await emailObject(email, plan, budget));
  }
  const orNull = (list: string[]) => (list.length > 0 ? list : null);
  return { accountId, parsed: mapOrNull(parsed), notParsable: orNull(notParsable), notFound: orNull(notFound) };
};

async function parseBlob(context: JmapContext, blobId: string): Promise<EmailSource | 'notFound' | 'notParsable'> {
  const scanned = await scanBlob(context.mail, blobId, messageSizeMax(context.env));
  if (scanned === null) return 'notFound';
  if (scanned === 'tooLarge' || !looksLikeMessage(scanned.head)) return 'notParsable';
  const { sha256, base } = await placeOf(context, blobId, scanned);
  const { index, size } = scanned;
  return {
    plain: plainOf(blobId, index),
    kept: new KeptHeaders(index.headers, index.headersComplete),
    structure: index.structure,
    original: new StoredOriginal(context.mail, sha256, size, base),
    blobIdOf: (part) => partBlobId(sha256, part, base),
  };
}

/** Where the message lies in a stored object, as it is. */
async function placeOf(context: JmapContext, blobId: string, scanned: Scanned): Promise<{ sha256: string; base: number }> {
  const name = decodeBlobId(blobId);
  if (name && (!name.part || name.part.encoding === 'i')) return { sha256: name.sha256, base: name.part?.offset ?? 0 };
  if (!(await noteUpload(context.env, context.account, scanned.sha256))) throw new CondemnedOriginal('the message is just being deleted');
  await putSegments(context.mail, [{ blobId, encoding: 'identity' }], scanned);
  return { sha256: scanned.sha256, base: 0 };
}

function plainOf(blobId: string, { size, hasAttachment, preview }: MessageIndex): Json {
  return { id: null, blobId, threadId: null, mailboxIds: null, keywords: null, receivedAt: null, size, hasAttachment, preview };
}
