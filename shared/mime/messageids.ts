/**
 * Message-ID, In-Reply-To and References (RFC 5322 §3.6.4): ids without their angle brackets. Old
 * In-Reply-To fields hold prose around the id; only what stands in brackets counts, unless nothing does.
 */

/** Ids of References that threading uses: the first (the thread's root) and the last ones (the nearest). */
export const THREAD_REFERENCES_MAX = 20;
/** RFC 5322 §2.1.1: no line is longer. */
const ID_LENGTH_MAX = 998;
/** Octets of the field that are looked at. */
const FIELD_MAX = 64 * 1024;

/** What §4.5.4 lets stand inside an id and is no part of it; a quoted string is matched first, and kept with its spaces (bounded, as each quote that nothing closes is tried). */
const CFWS = /"(?:[^"\\]|\\.){0,500}"|\([^()]*\)|[ \t\r\n\v\f]+/g;

/** An unfolded value (byte string) → ids in order, each once. */
export function parseMessageIds(value: string): string[] {
  const ids = new Set<string>();
  for (const [, inner = ''] of value.slice(0, FIELD_MAX).matchAll(/<([^<>]*)>/g)) {
    const id = inner.replace(CFWS, (piece) => (piece.startsWith('"') ? piece : ''));
    if (id !== '' && id.length <= ID_LENGTH_MAX) ids.add(id);
  }
  return ids.size > 0 ? [...ids] : bareId(value);
}

/** The ids threading looks at, at most THREAD_REFERENCES_MAX. */
export function boundedReferences(ids: readonly string[]): string[] {
  if (ids.length <= THREAD_REFERENCES_MAX) return [...ids];
  return [...ids.slice(0, 1), ...ids.slice(1 - THREAD_REFERENCES_MAX)];
}

function bareId(value: string): string[] {
  const [, id] = /^\s*([^\s<>@"(),;]{1,500}@[^\s<>@"(),;]{1,490})\s*$/.exec(value.slice(0, ID_LENGTH_MAX + 50)) ?? [];
  return id === undefined ? [] : [id];
}
