/**
 * The PushSubscription object (RFC 8620 §7.2): what a client may make and change of it, and what it is shown. URL and keys
 * are never shown again; once made, only the verification code, the expiry and the types can change.
 */
import { fromBase64Url } from '../web-push/base64url.ts';
import { AUTH_OCTETS, importClientKey } from '../web-push/encryption.ts';
import { readEndpoint } from '../web-push/endpoint.ts';
import { readUtcDate, utcDate } from './dates.ts';
import type { Json, SetError } from './errors.ts';
import { invalidProperties, ShapeError } from './errors.ts';
import { encodeId } from './ids.ts';
import { applyPatch } from './patch.ts';
import type { Reader } from './readers.ts';
import { arrayOf, nullable, own, readString, recordOf } from './readers.ts';

export interface PushKeys {
  p256dh: string;
  auth: string;
}

/** What a subscription is made of, as far as a client sees it. Times are epoch milliseconds. */
export interface PushSubscriptionFacts {
  id: number;
  deviceClientId: string;
  url: string;
  keys: PushKeys | null;
  /** What the verification push carries. */
  code: string;
  verified: boolean;
  expires: number | null;
  types: string[] | null;
}

export type PushSubscriptionDraft = Pick<PushSubscriptionFacts, 'deviceClientId' | 'url' | 'keys' | 'expires' | 'types'>;

/** What an update asks for; `code` is one to be checked. */
export interface PushSubscriptionUpdate {
  expires: number | null;
  types: string[] | null;
  code: string | null;
}

/** Properties that /get answers; `url` and `keys` are refused there. */
export const SHOWN_PROPERTIES = ['id', 'deviceClientId', 'verificationCode', 'expires', 'types'];
export const HIDDEN_PROPERTIES = ['url', 'keys'];

/** Characters of a deviceClientId; a hash is recommended. */
const DEVICE_MAX = 255;
/** Types a client may name, and characters of a name; RFC 8620 and its extensions know some twenty. */
const TYPES_MAX = 64;
const TYPE_LENGTH_MAX = 255;
/** Characters of a key: base64url of 65 octets, with its padding. */
const KEY_MAX = 88;

/** The object as /get shows it: the code only once the client knows it. */
export function pushSubscriptionObject({ id, deviceClientId, code, verified, expires, types }: PushSubscriptionFacts): Json {
  return {
    id: encodeId('PushSubscription', id),
    deviceClientId,
    verificationCode: verified ? code : null,
    expires: expires === null ? null : utcDate(expires),
    types,
  };
}

const readDevice: Reader<string> = (value, path) => {
  const text = readString(value, path);
  if (text === '' || text.length > DEVICE_MAX) throw new ShapeError(path, `must have 1 to ${DEVICE_MAX} characters`);
  return text;
};

const readTypes: Reader<string[]> = (value, path) => {
  const types = [...new Set(arrayOf(readString)(value, path))];
  if (types.length > TYPES_MAX || types.some((type) => type.length > TYPE_LENGTH_MAX)) throw new ShapeError(path, 'names too many types');
  return types;
};

const readKeyText: Reader<string> = (value, path) => {
  const text = readString(value, path);
  if (text.length > KEY_MAX || fromBase64Url(text) === null) throw new ShapeError(path, 'must be base64url');
  return text;
};

const readKeys: Reader<PushKeys> = (value, path) => {
  const keys = recordOf({ p256dh: readKeyText, auth: readKeyText })(value, path);
  if (fromBase64Url(keys.auth)?.length !== AUTH_OCTETS) throw new ShapeError(path, `auth must be ${AUTH_OCTETS} octets`);
  return keys;
};

function readUrl(allowLoopback: boolean): Reader<string> {
  return (value, path) => {
    const endpoint = readEndpoint(readString(value, path), allowLoopback);
    if ('refused' in endpoint) throw new ShapeError(path, endpoint.refused);
    return endpoint.url;
  };
}

/** No code exists before the server has made one. */
const readNoCode: Reader<null> = (value, path) => {
  if (value !== undefined && value !== null) throw new ShapeError(path, 'must be null when a subscription is made');
  return null;
};

/** Reads a creation. `allowLoopback`: see `readEndpoint`. */
export async function readPushSubscriptionCreation(record: Json, allowLoopback: boolean): Promise<PushSubscriptionDraft | SetError> {
  const readers = {
    deviceClientId: readDevice,
    url: readUrl(allowLoopback),
    keys: nullable(readKeys),
    verificationCode: readNoCode,
    expires: nullable(readUtcDate),
    types: nullable(readTypes),
  };
  const read = readProperties(
    record,
    readers,
    Object.keys(record).filter((name) => !Object.hasOwn(readers, name)),
  );
  if ('type' in read) return read;
  const { verificationCode: _, ...draft } = read.values as unknown as PushSubscriptionDraft & { verificationCode: null };
  const point = draft.keys === null ? null : fromBase64Url(draft.keys.p256dh);
  if (point && !(await importClientKey(point))) return invalidProperties(['keys'], 'p256dh is no public key of P-256');
  return draft;
}

/** Reads a patch of `current`. What cannot change may only stand as it is (RFC 8620 §5.3). */
export function readPushSubscriptionPatch(current: PushSubscriptionFacts, patch: Json): PushSubscriptionUpdate | SetError {
  const before: Json = { ...pushSubscriptionObject(current), url: current.url, keys: current.keys };
  const patched = applyPatch(before, patch);
  if ('error' in patched) return patched.error;
  const isFixed = (name: string) => !Object.hasOwn(CHANGEABLE, name);
  const strangers = Object.keys(patched.value).filter((name) => isFixed(name) && !isSame(own(patched.value, name), own(before, name)));
  const read = readProperties(patched.value, CHANGEABLE, strangers);
  if ('type' in read) return read;
  const { verificationCode, ...wishes } = read.values as unknown as { verificationCode: string | null } & Omit<
    PushSubscriptionUpdate,
    'code'
  >;
  return { ...wishes, code: verificationCode };
}

const CHANGEABLE = { verificationCode: nullable(readString), expires: nullable(readUtcDate), types: nullable(readTypes) };

/** Keys in whatever order their members come. */
function isSame(one: unknown, other: unknown): boolean {
  const text = (value: unknown) => JSON.stringify(value, (_, part: unknown) => (isKeys(part) ? [part.p256dh, part.auth] : part));
  return text(one) === text(other);
}

function isKeys(value: unknown): value is PushKeys {
  return typeof value === 'object' && value !== null && Object.keys(value).sort().join() === 'auth,p256dh';
}

function readProperties(record: Json, readers: Record<string, Reader<unknown>>, strangers: readonly string[]): { values: Json } | SetError {
  const wrong = new Set(strangers);
  const reasons: string[] = [];
  const values: Json = {};
  for (const [name, read] of Object.entries(readers)) {
    try {
      values[name] = read(own(record, name), name);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      wrong.add(name);
      reasons.push(error.message);
    }
  }
  return wrong.size > 0 ? invalidProperties([...wrong], reasons.join('; ') || undefined) : { values };
}
