/**
 * PatchObject (RFC 8620 §5.3): each key is a JSON Pointer without its first slash, each value what is
 * to stand there, null to remove it or set its default. Refused as `invalidPatch`: a pointer into an
 * array or through something that is not there, and a pointer that is the beginning of another.
 */
import type { Json, SetError } from './errors.ts';
import { isObject } from './readers.ts';
import { unescapeToken } from './references.ts';

/** One change of a patch: where, and what. */
export interface PatchEntry {
  path: string[];
  value: unknown;
}

/** Levels a pointer may have: no property of ours lies deeper. */
const POINTER_DEPTH_MAX = 8;

/** The entries of a patch; a SetError when two of them overlap, or one is no JSON Pointer (RFC 6901 §3). */
export function patchEntries(patch: Json): PatchEntry[] | SetError {
  const entries: PatchEntry[] = [];
  for (const [pointer, value] of Object.entries(patch)) {
    if (/~(?![01])/.test(pointer)) return { type: 'invalidPatch', description: 'a tilde in a pointer is followed by 0 or 1' };
    const tokens = pointer.split('/', POINTER_DEPTH_MAX + 1);
    if (tokens.length > POINTER_DEPTH_MAX) return { type: 'invalidPatch', description: 'a pointer is too deep' };
    const clash = tokens
      .slice(1)
      .map((_, index) => tokens.slice(0, index + 1).join('/'))
      .find((prefix) => Object.hasOwn(patch, prefix));
    if (clash !== undefined) return { type: 'invalidPatch', description: `${clash} is patched twice` };
    entries.push({ path: tokens.map(unescapeToken), value });
  }
  return entries;
}

/** A copy of `object` with the patch applied; null removes. */
export function applyPatch(object: Json, patch: Json): { value: Json } | { error: SetError } {
  const entries = patchEntries(patch);
  if (!Array.isArray(entries)) return { error: entries };
  const value = structuredClone(object);
  for (const entry of entries) {
    if (!put(value, entry)) return { error: { type: 'invalidPatch', description: `${entry.path.join('/')} points at nothing` } };
  }
  return { value };
}

function put(root: Json, { path, value }: PatchEntry): boolean {
  let target: Json = root;
  for (const token of path.slice(0, -1)) {
    const next = Object.hasOwn(target, token) ? target[token] : undefined;
    if (!isObject(next)) return false;
    target = next;
  }
  const last = path[path.length - 1] ?? '';
  // defineProperty, because a client may name its key __proto__.
  Object.defineProperty(target, last, { value, writable: true, enumerable: true, configurable: true });
  if (value === null && path.length > 1) delete target[last];
  return true;
}
