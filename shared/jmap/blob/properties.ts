/** What Blob/get can say of a blob (RFC 9404 §4.2), and how its octets are shown: as text when they are UTF-8, else as base64. */
import { base64 } from '../../mime/transfer.ts';
import { DIGESTS } from '../capabilities.ts';
import type { Json } from '../errors.ts';
import { MethodError } from '../errors.ts';

export type DigestName = keyof typeof DIGESTS;

const PLAIN = ['id', 'data', 'data:asText', 'data:asBase64', 'size', 'isEncodingProblem', 'isTruncated'] as const;
const DEFAULTS = ['data', 'size'];

export interface BlobPlan {
  names: ReadonlySet<string>;
  digests: DigestName[];
  /** The octets themselves are asked for. */
  wantsData: boolean;
}

/** The properties asked for; `invalidArguments` for one that is none, or a digest we do not make. */
export function blobPlan(properties: readonly string[] | null): BlobPlan {
  const names = new Set(properties ?? DEFAULTS);
  const digests: DigestName[] = [];
  for (const name of names) {
    const digest = (Object.keys(DIGESTS) as DigestName[]).find((each) => name === `digest:${each}`);
    if (digest) digests.push(digest);
    else if (!(PLAIN as readonly string[]).includes(name))
      throw new MethodError('invalidArguments', `no property ${name.slice(0, 100)}`, { arguments: ['properties'] });
  }
  return { names, digests, wantsData: ['data', 'data:asText', 'data:asBase64'].some((name) => names.has(name)) };
}

export interface BlobFacts {
  /** Octets of the whole blob. */
  size: number;
  /** The octets of the range; empty when they are not wanted. */
  octets: Uint8Array;
  digests: ReadonlyMap<DigestName, Uint8Array>;
  /** The range ends behind the end of the blob. */
  isTruncated: boolean;
}

/** The Blob object. */
export function blobObject(id: string, { names, wantsData }: BlobPlan, facts: BlobFacts): Json {
  const object: Json = { id };
  const text = wantsData && (names.has('data') || names.has('data:asText')) ? asText(facts.octets) : null;
  const isEncodingProblem = text === null && (names.has('data') || names.has('data:asText'));
  if (names.has('data:asText') || (names.has('data') && text !== null)) object['data:asText'] = text;
  if (names.has('data:asBase64') || (names.has('data') && text === null)) object['data:asBase64'] = base64(facts.octets);
  for (const [name, digest] of facts.digests) object[`digest:${name}`] = base64(digest);
  if (names.has('size')) object.size = facts.size;
  if (isEncodingProblem || names.has('isEncodingProblem')) object.isEncodingProblem = isEncodingProblem;
  if (facts.isTruncated || names.has('isTruncated')) object.isTruncated = facts.isTruncated;
  return object;
}

/** Null when the octets are not UTF-8. */
function asText(octets: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return null;
  }
}
