/** The sources of a blob that is put together (RFC 9404 §4.1), each range checked against the blob it is taken from. */
import type { BlobSource, DataSource } from '../../shared/jmap/blob/data-source.ts';
import type { SetError } from '../../shared/jmap/errors.ts';
import { invalidProperties } from '../../shared/jmap/errors.ts';
import type { Segment } from '../../shared/jmap/segments.ts';
import { realId } from '../../shared/jmap/set.ts';
import { openBlob } from './blobs.ts';
import type { JmapContext } from './context.ts';

/** How large the blobs are that one call has looked at. */
export type Sizes = Map<string, number | null>;

/** The segments of the sources, or why there are none. */
export async function segmentsOf(context: JmapContext, sources: readonly DataSource[], sizes: Sizes): Promise<Segment[] | SetError> {
  const segments: Segment[] = [];
  const missing = new Set<string>();
  for (const source of sources) {
    const segment = source instanceof Uint8Array ? source : await blobSegment(context, source, sizes);
    if (segment === 'missing') missing.add(source instanceof Uint8Array ? '' : source.blobId);
    else if (segment === 'outside') return invalidProperties(['data'], 'a range ends behind the end of its blob');
    else segments.push(segment);
  }
  return missing.size > 0 ? { type: 'blobNotFound', notFound: [...missing] } : segments;
}

async function blobSegment(context: JmapContext, source: BlobSource, sizes: Sizes): Promise<Segment | 'missing' | 'outside'> {
  const blobId = realId(source.blobId, context.createdIds);
  const size = sizes.has(blobId) ? sizes.get(blobId) : await blobSize(context, blobId);
  sizes.set(blobId, size ?? null);
  if (size == null) return 'missing';
  const length = source.length ?? size - source.offset;
  if (length < 0 || source.offset + length > size) return 'outside';
  return { blobId, range: { offset: source.offset, length }, encoding: 'identity' };
}

/** Octets of a blob, which of an encoded part only decoding shows; null when it is not there. */
export async function blobSize(context: JmapContext, blobId: string): Promise<number | null> {
  const blob = await openBlob(context.mail, blobId);
  if (blob === null) return null;
  if (blob.total !== null) {
    await blob.body.cancel();
    return blob.total;
  }
  let size = 0;
  for await (const chunk of blob.body) size += chunk.length;
  return size;
}
