/**
 * What a client puts a blob together of (RFC 9404 §4.1): text, base64, and ranges of blobs that are there. Nothing is
 * guessed: a source that says two things, or whose base64 is none, refuses the whole blob.
 */
import { DATA_SOURCES_MAX } from '../capabilities.ts';
import type { Json, SetError } from '../errors.ts';
import { invalidProperties, ShapeError } from '../errors.ts';
import type { Reader } from '../readers.ts';
import { arrayOf, nullable, readId, readString, readUnsignedInt, recordOf } from '../readers.ts';

export type DataSource = Uint8Array | BlobSource;

export interface BlobSource {
  /** As the client wrote it: a blob id, or `#` and a creation id. */
  blobId: string;
  offset: number;
  /** Null for the rest of the blob. */
  length: number | null;
}

export interface BlobCreation {
  data: DataSource[];
  type: string | null;
}

const readBase64: Reader<Uint8Array> = (value, path) => {
  const text = readString(value, path);
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new ShapeError(path, 'must be base64');
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
};

const readFields = recordOf({
  'data:asText': nullable(readString),
  'data:asBase64': nullable(readBase64),
  blobId: nullable(readId),
  offset: nullable(readUnsignedInt),
  length: nullable(readUnsignedInt),
});

const readSource: Reader<DataSource> = (value, path) => {
  const { 'data:asText': text, 'data:asBase64': octets, blobId, offset, length } = readFields(value, path);
  if ([text, octets, blobId].filter((one) => one !== null).length !== 1)
    throw new ShapeError(path, 'must have one of text, base64 and blobId');
  if (blobId !== null) return { blobId, offset: offset ?? 0, length };
  if (offset !== null || length !== null) throw new ShapeError(path, 'has a range, which only a blob has');
  return octets ?? new TextEncoder().encode(text ?? '');
};

const readSources: Reader<DataSource[]> = (value, path) => {
  const sources = arrayOf(readSource)(value, path);
  if (sources.length > DATA_SOURCES_MAX) throw new ShapeError(path, `must have at most ${DATA_SOURCES_MAX} sources`);
  return sources;
};

const readMediaType: Reader<string> = (value, path) => {
  const type = readString(value, path);
  if (!/^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}(\s*;[ -~]{0,500})?$/.test(type)) throw new ShapeError(path, 'must be a media type');
  return type;
};

const readUpload = recordOf({ data: readSources, type: nullable(readMediaType) });

/** Reads one UploadObject. */
export function readBlobCreation(record: Json): BlobCreation | SetError {
  try {
    return readUpload(record, '');
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    return invalidProperties([error.path.split('/')[0] ?? ''], error.message);
  }
}
