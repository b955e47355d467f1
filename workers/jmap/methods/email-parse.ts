/**
 * Email/parse (RFC 8621 §4.9): a blob read as a message without keeping it. The parts of an enclosed message
 * get blob ids of their own when they lie in a stored original as they are; of one that was base64 the
 * decoded octets are put beside the originals first, because a blob id must lead to something.
 */
import { BODY_FIELDS, emailPlan, PARSE_DEFAULTS } from '../../../shared/jmap/email/properties.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import { MethodError } from '../../../shared/jmap/errors.ts';
import { decodeBlobId } from '../../../shared/jmap/ids.ts';
import { arrayOf, nullable, readArguments, readId, readString } from '../../../shared/jmap/readers.ts';
import { mapOrNull } from '../../../shared/jmap/set.ts';
import type { MessageIndex } from '../../../shared/mime/index-types.ts';
import { indexMessage } from '../../../shared/mime/indexer.ts';
import { readBlob } from '../blobs.ts';
import type { JmapContext, Method } from '../context.ts';
import { sha256Hex } from '../email/keeping.ts';
import type { EmailSource } from '../email/object.ts';
import { emailObject, KeptHeaders, ReadBudget } from '../email/object.ts';
import { HeldOriginal } from '../email/original.ts';
import { partBlobId } from '../email/stored.ts';
import { messageSizeMax } from '../session.ts';

/** Blobs of one call: each is read whole and scanned. */
const PARSES_MAX = 10;

const FIELDS = { accountId: readId, blobIds: arrayOf(readId), properties: nullable(arrayOf(readString)), ...BODY_FIELDS };

export const emailParse: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const read = readArguments(args, FIELDS);
  const blobIds = [...new Set(read.blobIds)];
  if (blobIds.length > PARSES_MAX) throw new MethodError('requestTooLarge', `at most ${PARSES_MAX} blobs`);
  const plan = emailPlan(read, PARSE_DEFAULTS);
  const parsed = new Map<string, Json>();
  const budget = new ReadBudget();
  const notParsable: string[] = [];
  const notFound: string[] = [];
  for (const blobId of blobIds) {
    const octets = await readBlob(context.mail, blobId, messageSizeMax(context.env));
    if (octets === 'missing') notFound.push(blobId);
    else if (octets === 'tooLarge' || !looksLikeMessage(octets)) notParsable.push(blobId);
    else parsed.set(blobId, await emailObject(await parsedEmail(context, blobId, octets), plan, budget));
  }
  const orNull = (list: string[]) => (list.length > 0 ? list : null);
  return { accountId, parsed: mapOrNull(parsed), notParsable: orNull(notParsable), notFound: orNull(notFound) };
};

/** A message begins with a header field, or the empty line of a message without any. */
function looksLikeMessage(octets: Uint8Array): boolean {
  const start = new TextDecoder('latin1').decode(octets.subarray(0, 1000));
  return /^(From [^\r\n]*\r?\n)?[!-9;-~]{1,200}[ \t]*:/.test(start) || /^\r?\n/.test(start);
}

async function parsedEmail(context: JmapContext, blobId: string, octets: Uint8Array): Promise<EmailSource> {
  const index = indexMessage(octets);
  const place = await placeOf(context, blobId, octets);
  return {
    plain: plainOf(blobId, index),
    kept: new KeptHeaders(index.headers, index.headersComplete),
    structure: index.structure,
    original: new HeldOriginal(octets),
    blobIdOf: (part) => partBlobId(place.sha256, part, place.base),
  };
}

/** Where the message lies in a stored object, as it is. */
async function placeOf(context: JmapContext, blobId: string, octets: Uint8Array): Promise<{ sha256: string; base: number }> {
  const name = decodeBlobId(blobId);
  if (name && !name.part) return { sha256: name.sha256, base: 0 };
  if (name?.part?.encoding === 'i') return { sha256: name.sha256, base: name.part.offset };
  const sha256 = await sha256Hex(octets);
  await context.mail.putBlob(sha256, octets, octets.length);
  return { sha256, base: 0 };
}

function plainOf(blobId: string, { size, hasAttachment, preview }: MessageIndex): Json {
  return { id: null, blobId, threadId: null, mailboxIds: null, keywords: null, receivedAt: null, size, hasAttachment, preview };
}
