/**
 * What a change says to the server: only the differences, as a patch (RFC 8620 §5.3), so that a flag which
 * another client set meanwhile stays.
 */
import type { EmailChange } from './emails.ts';

export type Patch = Record<string, true | null>;

export function patchOf(before: EmailChange | undefined, change: EmailChange): Patch {
  return {
    ...(change.keywords ? difference('keywords', before?.keywords ?? {}, change.keywords) : {}),
    ...(change.mailboxIds ? difference('mailboxIds', before?.mailboxIds ?? {}, change.mailboxIds) : {}),
  };
}

function difference(property: string, before: Record<string, true>, after: Record<string, true>): Patch {
  const patch: Patch = {};
  for (const key of Object.keys(after)) if (!before[key]) patch[pointer(property, key)] = true;
  for (const key of Object.keys(before)) if (!after[key]) patch[pointer(property, key)] = null;
  return patch;
}

/** RFC 6901 §3: `~` and `/` are escaped. */
function pointer(property: string, key: string): string {
  return `${property}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
