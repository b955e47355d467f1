/**
 * The Identity object (RFC 8621 §6) and what a client may set of it. Whether it may write as the address is asked elsewhere;
 * the address can never be changed afterwards.
 */
import { formatAddress, parseAddress } from '../address.ts';
import { readFinishedAddress } from './email/header-writing.ts';
import type { Json, SetError } from './errors.ts';
import { ShapeError } from './errors.ts';
import { encodeId } from './ids.ts';
import type { Reader } from './readers.ts';
import { arrayOf, nullable, optional, own, readString } from './readers.ts';
import { readSettable, type Settable } from './settable.ts';

/** What an Identity is made of. */
export interface IdentityFacts {
  id: number;
  name: string;
  email: string;
  replyTo: unknown;
  bcc: unknown;
  textSignature: string;
  htmlSignature: string;
}
export type IdentityDraft = Omit<IdentityFacts, 'id'>;

/** Characters of a name: it becomes a header field. */
const NAME_MAX = 255;
/** Characters of a signature; a row of the store takes 2 MB, and every message carries it. */
const SIGNATURE_MAX = 64 * 1024;
/** Addresses that every message would be copied to. */
const ADDRESSES_MAX = 50;

/** The whole object. */
export function identityObject({ id, ...facts }: IdentityFacts, mayDelete: boolean): Json {
  return { id: encodeId('Identity', id), ...facts, mayDelete };
}

const readName: Reader<string> = (value, path) => {
  const name = readString(value, path);
  if (name.length > NAME_MAX || /\p{Cc}/u.test(name)) throw new ShapeError(path, `must be one line of at most ${NAME_MAX} characters`);
  return name;
};

const readEmail: Reader<string> = (value, path) => {
  const address = parseAddress(readString(value, path));
  if (address === null) throw new ShapeError(path, 'must be an address');
  return formatAddress(address);
};

const readAddresses: Reader<unknown> = (value, path) => {
  const addresses = arrayOf(readFinishedAddress)(value, path);
  if (addresses.length > ADDRESSES_MAX) throw new ShapeError(path, `must be at most ${ADDRESSES_MAX} addresses`);
  return addresses;
};

const readSignature: Reader<string> = (value, path) => {
  const text = readString(value, path);
  if (text.length > SIGNATURE_MAX) throw new ShapeError(path, `must have at most ${SIGNATURE_MAX} characters`);
  return text;
};

const SETTABLE: Settable<IdentityDraft> = {
  name: optional(readName, ''),
  email: readEmail,
  replyTo: nullable(readAddresses),
  bcc: nullable(readAddresses),
  textSignature: optional(readSignature, ''),
  htmlSignature: optional(readSignature, ''),
};

/** Reads a creation; what the server sets may only be left out. */
export function readIdentityCreation(record: Json): IdentityDraft | SetError {
  return readSettable(SETTABLE, record, (name) => !Object.hasOwn(SETTABLE, name));
}

/** Reads an identity after its patch; `current` is the object before. What cannot change may only stand as it was. */
export function readIdentityUpdate(patched: Json, current: Json): IdentityDraft | SetError {
  const isFixed = (name: string) => name === 'email' || !Object.hasOwn(SETTABLE, name);
  return readSettable(SETTABLE, patched, (name) => isFixed(name) && patched[name] !== own(current, name));
}
