/**
 * The arguments and answer every /set shares (RFC 8620 §5.3): creations by creation id, patches by id,
 * ids to destroy. Each record succeeds or fails by itself; `SetOutcome` collects which.
 */
import { SET_OBJECTS_MAX } from './capabilities.ts';
import type { Json, SetError } from './errors.ts';
import { MethodError } from './errors.ts';
import type { Reader } from './readers.ts';
import { arrayOf, mapOf, nullable, readCreationId, readId, readObject, readString } from './readers.ts';

export interface SetArguments {
  ifInState: string | null;
  create: Map<string, Json>;
  update: Map<string, Json>;
  destroy: string[];
}

/** Fields of a /set, to be spread into a record of readers with the method's own. */
export const SET_FIELDS = {
  accountId: readId,
  ifInState: nullable(readString),
  create: nullable(mapOf(readObject, readCreationId)),
  update: nullable(mapOf(readObject, readId)),
  destroy: nullable(arrayOf(readId)),
} satisfies Record<string, Reader<unknown>>;

interface RawSet {
  ifInState: string | null;
  create: Map<string, Json> | null;
  update: Map<string, Json> | null;
  destroy: string[] | null;
}

/**
 * Bounds the call and puts real ids in place of `#creation` ids used as keys of `update` or in `destroy`.
 * One that is not known stays as it is and will not be found.
 */
export function boundedSet(raw: RawSet, createdIds: ReadonlyMap<string, string>): SetArguments {
  const create = raw.create ?? new Map();
  const update = raw.update ?? new Map();
  const destroy = [...new Set(raw.destroy ?? [])];
  if (create.size + update.size + destroy.length > SET_OBJECTS_MAX)
    throw new MethodError('requestTooLarge', `at most ${SET_OBJECTS_MAX} objects`);
  return { ifInState: raw.ifInState, create, update, destroy: destroy.map((id) => realId(id, createdIds)) };
}

/** The id a reference stands for (RFC 8620 §5.3); anything else is returned as it is. */
export function realId(id: string, createdIds: ReadonlyMap<string, string>): string {
  return id.startsWith('#') ? (createdIds.get(id.slice(1)) ?? id) : id;
}

/** The patches by real id, as `updated` and `notUpdated` name them (RFC 8620 §5.3); for after the creations of the call. */
export function realUpdates(update: ReadonlyMap<string, Json>, createdIds: ReadonlyMap<string, string>): [string, Json][] {
  return [...update].map(([key, patch]) => [realId(key, createdIds), patch]);
}

/** What became of each record of a /set. */
export class SetOutcome {
  readonly created = new Map<string, Json>();
  readonly updated = new Map<string, Json | null>();
  readonly destroyed: string[] = [];
  readonly notCreated = new Map<string, SetError>();
  readonly notUpdated = new Map<string, SetError>();
  readonly notDestroyed = new Map<string, SetError>();

  /** The answer (RFC 8620 §5.3): null where there is nothing to say. */
  answer(accountId: string, oldState: string, newState: string): Json {
    return {
      accountId,
      oldState,
      newState,
      created: mapOrNull(this.created),
      updated: mapOrNull(this.updated),
      destroyed: this.destroyed.length > 0 ? this.destroyed : null,
      notCreated: mapOrNull(this.notCreated),
      notUpdated: mapOrNull(this.notUpdated),
      notDestroyed: mapOrNull(this.notDestroyed),
    };
  }
}

/** A map as a JSON object, null when empty. */
export function mapOrNull(map: ReadonlyMap<string, unknown>): Json | null {
  return map.size > 0 ? Object.fromEntries(map) : null;
}
