/**
 * From JSON to typed values, once, at the border (RFC 8620 §1.1–1.4). A reader takes a value and the
 * place it stands at, and gives the typed value or throws `ShapeError`. Readers compose. Unlike those of `shared/fields.ts` they
 * refuse what they do not know, take null for missing, and leave the bounds to the methods, each with its own error.
 */
import type { Json } from './errors.ts';
import { MethodError, ShapeError } from './errors.ts';

export type Reader<T> = (value: unknown, path: string) => T;
type Fields = Record<string, Reader<unknown>>;
type Values<F extends Fields> = { [K in keyof F]: F[K] extends Reader<infer T> ? T : never };

/** RFC 8620 §1.3: the range in which every JSON reader agrees on integers. */
const INTEGER_MAX = 2 ** 53 - 1;
/** RFC 8620 §1.2. */
const ID_LENGTH_MAX = 255;

/** True for what JSON calls an object. */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const readAnything: Reader<unknown> = (value) => value;

export const readString: Reader<string> = (value, path) => {
  if (typeof value !== 'string') throw new ShapeError(path, 'must be a string');
  return value;
};

export const readBoolean: Reader<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw new ShapeError(path, 'must be true or false');
  return value;
};

export const readInt: Reader<number> = (value, path) => {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new ShapeError(path, 'must be an integer');
  return value;
};

export const readUnsignedInt: Reader<number> = (value, path) => {
  const number = readInt(value, path);
  if (number < 0 || number > INTEGER_MAX) throw new ShapeError(path, 'must be an integer of at least 0');
  return number;
};

/** An Id by its type only: whether it names something is asked later, and `notFound` answered. */
export const readId: Reader<string> = (value, path) => {
  const text = readString(value, path);
  if (text === '' || text.length > ID_LENGTH_MAX) throw new ShapeError(path, 'must be an id of 1 to 255 characters');
  return text;
};

/** An Id whose characters are those of RFC 8620 §1.2 too: what a client may choose as a creation id. */
export const readCreationId: Reader<string> = (value, path) => {
  const text = readId(value, path);
  if (!/^[A-Za-z0-9_-]+$/.test(text)) throw new ShapeError(path, 'must be an id of letters, digits, - and _');
  return text;
};

export const readObject: Reader<Json> = (value, path) => {
  if (!isObject(value)) throw new ShapeError(path, 'must be an object');
  return value;
};

/** Missing means `fallback`; null does not. */
export function optional<T, D>(reader: Reader<T>, fallback: D): Reader<T | D> {
  return (value, path) => (value === undefined ? fallback : reader(value, path));
}

/** Null and missing both mean null (RFC 8620 §3.4.2). */
export function nullable<T>(reader: Reader<T>): Reader<T | null> {
  return (value, path) => (value === undefined || value === null ? null : reader(value, path));
}

export function arrayOf<T>(reader: Reader<T>): Reader<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new ShapeError(path, 'must be an array');
    return value.map((item, index) => reader(item, join(path, String(index))));
  };
}

/** A JSON object used as a map; keys are read too. */
export function mapOf<T>(reader: Reader<T>, key: Reader<string> = readString): Reader<Map<string, T>> {
  return (value, path) =>
    new Map(
      Object.entries(readObject(value, path)).map(([name, item]) => [key(name, join(path, name)), reader(item, join(path, name))] as const),
    );
}

/** A set as JMAP writes it: every value is `true`. */
export function setOf(key: Reader<string>): Reader<string[]> {
  return (value, path) => [...mapOf(readTrue, key)(value, path).keys()];
}

const readTrue: Reader<true> = (value, path) => {
  if (value !== true) throw new ShapeError(path, 'must be true');
  return value;
};

/** An object with exactly these fields; another one is an error. */
export function recordOf<F extends Fields>(fields: F): Reader<Values<F>> {
  return (value, path) => {
    const object = readObject(value, path);
    const stranger = Object.keys(object).find((name) => !Object.hasOwn(fields, name));
    if (stranger !== undefined) throw new ShapeError(join(path, stranger), 'is not known');
    return Object.fromEntries(
      Object.entries(fields).map(([name, reader]) => [name, reader(own(object, name), join(path, name))]),
    ) as Values<F>;
  };
}

/** The arguments of a method call; what does not fit is `invalidArguments` with the argument named. */
export function readArguments<F extends Fields>(args: Json, fields: F): Values<F> {
  try {
    return recordOf(fields)(args, '');
  } catch (error) {
    throw error instanceof ShapeError ? invalidArgument(error) : error;
  }
}

/** A shape error as the method error it means. */
export function invalidArgument(error: ShapeError): MethodError {
  return new MethodError('invalidArguments', error.message, { arguments: [error.path.split('/')[0] ?? ''] });
}

/** A property of its own, never one inherited from Object. */
export function own(object: Json, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`;
}
