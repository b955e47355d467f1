/** The arguments and answer every /get shares (RFC 8620 §5.1). */
import { GET_OBJECTS_MAX } from './capabilities.ts';
import type { Json } from './errors.ts';
import { MethodError } from './errors.ts';
import type { Reader } from './readers.ts';
import { arrayOf, nullable, readArguments, readId, readString } from './readers.ts';

export interface GetArguments {
  /** Without duplicates; null for all. */
  ids: string[] | null;
  /** Null for the type's default. */
  properties: string[] | null;
}

/** Fields of a /get, to be spread into a record of readers with the method's own. */
export const GET_FIELDS = {
  accountId: readId,
  ids: nullable(arrayOf(readId)),
  properties: nullable(arrayOf(readString)),
} satisfies Record<string, Reader<unknown>>;

/** A plain /get. `known`: the type's properties; another one is refused. */
export function readGet(args: Json, known: readonly string[]): GetArguments {
  const { ids, properties } = readArguments(args, GET_FIELDS);
  return { ids: distinctIds(ids), properties: knownProperties(properties, known) };
}

/** Bounds and deduplicates ids: an id asked for twice is answered once. */
export function distinctIds(ids: string[] | null): string[] | null {
  if (ids === null) return null;
  const distinct = [...new Set(ids)];
  if (distinct.length > GET_OBJECTS_MAX) throw new MethodError('requestTooLarge', `at most ${GET_OBJECTS_MAX} ids`);
  return distinct;
}

/** The properties, checked against the type's. */
export function knownProperties(properties: string[] | null, known: readonly string[]): string[] | null {
  const stranger = properties?.find((name) => !known.includes(name));
  if (stranger !== undefined) throw new MethodError('invalidArguments', `no property ${stranger}`, { arguments: ['properties'] });
  return properties;
}

/** The object with only the properties asked for; the id always. */
export function pick(object: Json, properties: readonly string[] | null): Json {
  if (properties === null) return object;
  const wanted = properties.includes('id') ? properties : ['id', ...properties];
  return Object.fromEntries(wanted.filter((name) => Object.hasOwn(object, name)).map((name) => [name, object[name]]));
}

/** The answer: `found` by wire id; what is not in it was not found. */
export function getAnswer(accountId: string, state: string, ids: readonly string[] | null, found: ReadonlyMap<string, Json>): Json {
  const notFound = ids === null ? [] : ids.filter((id) => !found.has(id));
  return { accountId, state, list: [...found.values()], notFound };
}
