/** Blob/get (RFC 9404 §4.2): octets of a blob in the answer, or their digest, which is made while they stream by. */
import type { BlobFacts, BlobPlan, DigestName } from '../../../shared/jmap/blob/properties.ts';
import { blobObject, blobPlan } from '../../../shared/jmap/blob/properties.ts';
import { DIGESTS, GET_OBJECTS_MAX } from '../../../shared/jmap/capabilities.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import { MethodError } from '../../../shared/jmap/errors.ts';
import { arrayOf, nullable, readArguments, readId, readString, readUnsignedInt } from '../../../shared/jmap/readers.ts';
import { realId } from '../../../shared/jmap/set.ts';
import { concatOctets } from '../../../shared/mime/octets.ts';
import type { MailStore } from '../../store/mail/types.ts';
import { openBlob } from '../blobs.ts';
import type { Method } from '../context.ts';
import { gathered } from '../segments.ts';

/** Octets that one call shows: its answer is held in memory, a third larger as base64. */
const CALL_DATA_MAX = 8 * 1024 * 1024;

const FIELDS = {
  accountId: readId,
  ids: arrayOf(readId),
  properties: nullable(arrayOf(readString)),
  offset: nullable(readUnsignedInt),
  length: nullable(readUnsignedInt),
};

interface Wanted {
  plan: BlobPlan;
  offset: number;
  /** Null for all that follow. */
  length: number | null;
}

export const blobGet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const { ids, properties, offset, length } = readArguments(args, FIELDS);
  const wanted: Wanted = { plan: blobPlan(properties), offset: offset ?? 0, length };
  const distinct = new Set(ids.map((id) => realId(id, context.createdIds)));
  const max = Math.min(GET_OBJECTS_MAX, context.messagesLeft);
  if (distinct.size > max) throw new MethodError('requestTooLarge', `at most ${max} blobs`);
  const list: Json[] = [];
  const notFound: string[] = [];
  const room = { octets: CALL_DATA_MAX };
  for (const id of distinct) {
    context.take();
    const facts = await readFacts(context.mail, id, wanted, room);
    if (facts === null) notFound.push(id);
    else list.push(blobObject(id, wanted.plan, facts));
  }
  return { accountId, list, notFound };
};

/** What is asked of one blob, in one pass over the octets that are needed for it; null when it is not there. */
async function readFacts(
  mail: MailStore,
  id: string,
  { plan, offset, length }: Wanted,
  room: { octets: number },
): Promise<BlobFacts | null> {
  const end = length === null ? Number.MAX_SAFE_INTEGER : offset + length;
  const readsRange = plan.wantsData || plan.digests.length > 0;
  const range = { offset, length: Math.min(end, Number.MAX_SAFE_INTEGER) - offset };
  const plain = await openBlob(mail, id, range);
  if (plain === null) return null;
  const isPlain = plain.total !== null;
  if (!isPlain) await plain.body.cancel();
  // How large an encoded part is shows only when all of it has passed.
  const blob = isPlain ? plain : await openBlob(mail, id);
  if (blob === null) return null;
  const reading = new Reading(plan, room);
  let at = isPlain ? offset : 0;
  if (isPlain && !readsRange) await blob.body.cancel();
  else
    for await (const chunk of gathered(blob.body)) {
      await reading.take(chunk.subarray(Math.max(0, offset - at), Math.max(0, end - at)));
      at += chunk.length;
    }
  const size = blob.total ?? at;
  return { size, ...(await reading.finish()), isTruncated: offset > size || (length !== null && end > size) };
}

/** Collects the octets of a range, or their digests. */
class Reading {
  readonly #plan: BlobPlan;
  readonly #room: { octets: number };
  readonly #chunks: Uint8Array[] = [];
  readonly #digests: { name: DigestName; stream: DigestStream; writer: WritableStreamDefaultWriter }[];

  constructor(plan: BlobPlan, room: { octets: number }) {
    this.#plan = plan;
    this.#room = room;
    this.#digests = plan.digests.map((name) => {
      const stream = new crypto.DigestStream(DIGESTS[name]);
      return { name, stream, writer: stream.getWriter() };
    });
  }

  async take(octets: Uint8Array): Promise<void> {
    if (octets.length === 0) return;
    for (const { writer } of this.#digests) await writer.write(octets);
    if (!this.#plan.wantsData) return;
    this.#room.octets -= octets.length;
    if (this.#room.octets < 0) throw new MethodError('requestTooLarge', `one call shows at most ${CALL_DATA_MAX} octets; name a range`);
    this.#chunks.push(octets);
  }

  async finish(): Promise<Pick<BlobFacts, 'octets' | 'digests'>> {
    const digests = new Map<DigestName, Uint8Array>();
    for (const { name, stream, writer } of this.#digests) {
      await writer.close();
      digests.set(name, new Uint8Array(await stream.digest));
    }
    return { octets: concatOctets(this.#chunks), digests };
  }
}
