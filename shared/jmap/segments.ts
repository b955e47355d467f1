/**
 * What a message or a blob is put together of: octets at hand, and blobs whose octets are read only when their turn comes.
 * A list of segments can be read as often as needed: once for the digest, once into the bucket.
 */
export type Segment = Uint8Array | BlobSegment;

export interface BlobSegment {
  blobId: string;
  /** Octets of the blob; all of them without it. */
  range?: { offset: number; length: number };
  encoding: 'identity' | 'base64';
}
