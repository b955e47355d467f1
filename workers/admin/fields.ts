/**
 * Fields of an admin request, read one by one: each reader answers a typed value or throws the `Refusal`
 * that says which field is wrong and what it should be. Nothing is cast.
 */
import { type Address, formatAddress, normaliseDomain, parseAddress } from '../../shared/address.ts';
import { fromBase64, KEY_OCTETS, SCRAM_ITERATIONS_MAX, SCRAM_ITERATIONS_MIN, type Verifier } from '../../shared/scram.ts';
import { fromHex } from '../../shared/signing.ts';
import { readJson } from '../auth/body.ts';

/** Octets of an admin request: a few keys and names. */
const BODY_MAX = 16 * 1024;
const NAME_MAX = 255;
/** Octets: shorter salts repeat, longer ones are no salts. */
const SALT_MIN = 8;
const SALT_MAX = 64;

/** An admin request that cannot be done, with its HTTP status and what to do instead. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

export type Fields = Record<string, unknown>;

/** The JSON object of a request. */
export async function readFields(request: Request): Promise<Fields> {
  const body = await readJson(request, BODY_MAX);
  if (isObject(body)) return body;
  throw new Refusal(400, `The body must be a JSON object of at most ${BODY_MAX} octets.`);
}

/** A text of 1 to `NAME_MAX` characters on one line. */
export function readText(fields: Fields, name: string): string {
  const value = fields[name];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if (typeof value === 'string' && value !== '' && value.length <= NAME_MAX && !/[\u0000-\u001f\u007f]/.test(value)) return value;
  throw new Refusal(422, `"${name}" must be a text of 1 to ${NAME_MAX} characters on one line.`);
}

/** A whole number within bounds; undefined when the field is absent. */
export function readNumber(fields: Fields, name: string, min: number, max: number): number | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new Refusal(422, `"${name}" must be a whole number from ${min} to ${max}.`);
}

/** One of a list of words. */
export function readChoice<T extends string>(fields: Fields, name: string, choices: readonly T[]): T {
  const choice = choices.find((known) => known === fields[name]);
  if (choice !== undefined) return choice;
  throw new Refusal(422, `"${name}" must be one of ${choices.join(', ')}.`);
}

/** Key octets from 64 hexadecimal digits. */
export function readKey(fields: Fields, name: string): Uint8Array {
  return fromHex(readHex(fields, name));
}

/** 32 octets as 64 lower-case hexadecimal digits. */
export function readHex(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) return value;
  throw new Refusal(422, `"${name}" must be 64 lower-case hexadecimal digits.`);
}

/** A SCRAM verifier as `shared/scram.ts` makes it. */
export function readVerifier(fields: Fields, name: string): Verifier {
  const value = fields[name];
  if (!isObject(value)) throw new Refusal(422, `"${name}" must hold salt, iterations, storedKey and serverKey; never a password.`);
  const iterations = readNumber(value, 'iterations', SCRAM_ITERATIONS_MIN, SCRAM_ITERATIONS_MAX);
  if (iterations === undefined) throw new Refusal(422, `"${name}.iterations" is missing.`);
  return {
    salt: readOctets(value, 'salt', SALT_MIN, SALT_MAX),
    iterations,
    storedKey: readOctets(value, 'storedKey', KEY_OCTETS, KEY_OCTETS),
    serverKey: readOctets(value, 'serverKey', KEY_OCTETS, KEY_OCTETS),
  };
}

function readOctets(fields: Fields, name: string, min: number, max: number): string {
  const value = fields[name];
  const octets = typeof value === 'string' && value.length <= 2 * max ? fromBase64(value) : null;
  if (typeof value === 'string' && octets && octets.length >= min && octets.length <= max) return value;
  throw new Refusal(422, `"${name}" must be ${min === max ? min : `${min} to ${max}`} octets in base64.`);
}

/** An address in the directory's form, and its parts. */
export function asAddress(text: string): Address & { text: string } {
  const address = parseAddress(text);
  if (address) return { ...address, text: formatAddress(address) };
  throw new Refusal(422, `"${text.slice(0, NAME_MAX)}" is no mail address.`);
}

/** A domain or host name in A-label form. */
export function asDomain(text: string): string {
  const domain = normaliseDomain(text);
  if (domain !== null) return domain;
  throw new Refusal(422, `"${text.slice(0, NAME_MAX)}" is no domain name.`);
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
