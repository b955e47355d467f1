/** MDN/parse (RFC 9007 §2.2): blobs read as message disposition notifications. */

import { GET_OBJECTS_MAX } from '../../../shared/jmap/capabilities.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import { MethodError } from '../../../shared/jmap/errors.ts';
import { encodeId } from '../../../shared/jmap/ids.ts';
import { mdnObject } from '../../../shared/jmap/mdn.ts';
import { arrayOf, readArguments, readId } from '../../../shared/jmap/readers.ts';
import { mapOrNull } from '../../../shared/jmap/set.ts';
import { parseMessageIds } from '../../../shared/mime/messageids.ts';
import { readMdn } from '../../../shared/mime/report.ts';
import { scanMessage } from '../../../shared/mime/scan.ts';
import { readBlob } from '../blobs.ts';
import type { JmapContext, Method } from '../context.ts';
import { mdnAccountId } from '../submission/mdn.ts';

/** What a blob costs in messages: it is read whole and scanned, and the email it is about is looked for. */
const PARSE_COST = 3;
/** Octets of a notification, the message it is about included; a larger one is no report. */
const SIZE_MAX = 4 * 1024 * 1024;

export const mdnParse: Method = async (args, context) => {
  const accountId = mdnAccountId(args, context);
  const blobIds = [...new Set(readArguments(args, { accountId: readId, blobIds: arrayOf(readId) }).blobIds)];
  const max = Math.min(GET_OBJECTS_MAX, Math.max(1, Math.floor(context.messagesLeft / PARSE_COST)));
  if (blobIds.length > max) throw new MethodError('requestTooLarge', `at most ${max} blobs`);
  const parsed = new Map<string, Json>();
  const notParsable: string[] = [];
  const notFound: string[] = [];
  for (const blobId of blobIds) {
    context.take(PARSE_COST);
    const octets = await readBlob(context.mail, blobId, SIZE_MAX);
    if (octets === 'missing') notFound.push(blobId);
    else {
      const object = octets === 'tooLarge' ? null : await parse(context, octets);
      if (object) parsed.set(blobId, object);
      else notParsable.push(blobId);
    }
  }
  const orNull = (list: string[]) => (list.length > 0 ? list : null);
  return { accountId, parsed: mapOrNull(parsed), notParsable: orNull(notParsable), notFound: orNull(notFound) };
};

async function parse({ mail }: JmapContext, octets: Uint8Array): Promise<Json | null> {
  const mdn = readMdn(octets, scanMessage(octets));
  if (!mdn) return null;
  const [messageId] = parseMessageIds(mdn.originalMessageId ?? '');
  const email = messageId === undefined ? null : await mail.emailByMessageId(messageId);
  return mdnObject(mdn, email === null ? null : encodeId('Email', email));
}
