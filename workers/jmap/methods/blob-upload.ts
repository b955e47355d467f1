/** Blob/upload (RFC 9404 §4.1): blobs made in a request, put together of text, base64 and ranges of other blobs. */

import { readBlobCreation } from '../../../shared/jmap/blob/data-source.ts';
import { SET_OBJECTS_MAX } from '../../../shared/jmap/capabilities.ts';
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { MethodError, rateLimit } from '../../../shared/jmap/errors.ts';
import { encodeBlobId } from '../../../shared/jmap/ids.ts';
import { mapOf, readArguments, readCreationId, readId, readObject } from '../../../shared/jmap/readers.ts';
import { mapOrNull } from '../../../shared/jmap/set.ts';
import { noteUpload, trimUploads } from '../../store/uploads.ts';
import type { Sizes } from '../blob-sources.ts';
import { segmentsOf } from '../blob-sources.ts';
import type { JmapContext, Method } from '../context.ts';
import { measure, putSegments, readSegments } from '../segments.ts';
import { messageSizeMax } from '../session.ts';

const OPAQUE = 'application/octet-stream';

export const blobUpload: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const { create } = readArguments(args, { accountId: readId, create: mapOf(readObject, readCreationId) });
  if (create.size > SET_OBJECTS_MAX) throw new MethodError('requestTooLarge', `at most ${SET_OBJECTS_MAX} blobs`);
  const created = new Map<string, Json>();
  const notCreated = new Map<string, SetError>();
  const sizes: Sizes = new Map();
  for (const [key, record] of create) {
    const made = await makeBlob(context, record, sizes);
    if (isError(made)) notCreated.set(key, made);
    else {
      created.set(key, made);
      context.createdIds.set(key, made.id);
    }
  }
  if (created.size > 0) await trimUploads(context.env, context.account);
  return { accountId, created: mapOrNull(created), notCreated: mapOrNull(notCreated) };
};

type Made = { id: string; type: string; size: number };

function isError(made: Made | SetError): made is SetError {
  return !('id' in made);
}

async function makeBlob(context: JmapContext, record: Json, sizes: Sizes): Promise<Made | SetError> {
  const creation = readBlobCreation(record);
  if (!('data' in creation)) return creation;
  // A blob costs its note besides: as much as a message with one.
  const blobs = new Set(creation.data.flatMap((source) => (source instanceof Uint8Array ? [] : [source.blobId])));
  if (!context.take(2 + blobs.size)) return rateLimit();
  const segments = await segmentsOf(context, creation.data, sizes);
  if (!Array.isArray(segments)) return segments;
  const max = messageSizeMax(context.env);
  const measured = await measure(readSegments(context.mail, segments), max);
  if (measured === 'tooLarge') return { type: 'tooLarge', description: `a blob may have ${max} octets` };
  if (!(await noteUpload(context.env, context.account, measured.sha256))) {
    return { type: 'rateLimit', description: 'the same octets are just being deleted; make the blob again in a minute' };
  }
  await putSegments(context.mail, segments, measured);
  return { id: encodeBlobId({ sha256: measured.sha256 }), type: creation.type ?? OPAQUE, size: measured.size };
}
