/** The arguments and answer every /changes shares (RFC 8620 §5.2). */
import type { Json } from './errors.ts';
import { MethodError, ShapeError } from './errors.ts';
import type { IdType } from './ids.ts';
import { encodeId } from './ids.ts';
import type { Reader } from './readers.ts';
import { nullable, readArguments, readId, readString, readUnsignedInt } from './readers.ts';

/** Ids of one answer when the client names no maximum. */
const CHANGES_MAX = 500;

/** RFC 8620 §5.2: greater than 0 when given. */
const readMaxChanges: Reader<number> = (value, path) => {
  const number = readUnsignedInt(value, path);
  if (number === 0) throw new ShapeError(path, 'must be greater than 0');
  return number;
};

/** What a store knows of a type's changes; ids are the account's integers. */
export interface Changes {
  created: number[];
  updated: number[];
  destroyed: number[];
  newState: string;
  hasMore: boolean;
}

export function readChanges(args: Json): { sinceState: string; maxChanges: number } {
  const { sinceState, maxChanges } = readArguments(args, {
    accountId: readId,
    sinceState: readString,
    maxChanges: nullable(readMaxChanges),
  });
  return { sinceState, maxChanges: Math.min(maxChanges ?? CHANGES_MAX, CHANGES_MAX) };
}

/** The answer; null means the state is too old or none of ours. */
export function changesAnswer(accountId: string, type: IdType, sinceState: string, changes: Changes | null): Json {
  if (changes === null) throw new MethodError('cannotCalculateChanges');
  const ids = (list: number[]) => list.map((id) => encodeId(type, id));
  return {
    accountId,
    oldState: sinceState,
    newState: changes.newState,
    hasMoreChanges: changes.hasMore,
    created: ids(changes.created),
    updated: ids(changes.updated),
    destroyed: ids(changes.destroyed),
  };
}
