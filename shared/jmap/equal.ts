/** Whether two JSON values are the same (RFC 8620 §5.3: what the server sets may be sent back as it is). The order of names does not count. */
import { isObject } from './readers.ts';

/** Deep equality; depth is bounded by the request's (request.ts). */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, index) => isSameJson(item, b[index]));
  if (!isObject(a) || !isObject(b)) return a === b;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && isSameJson(a[name], b[name]));
}
