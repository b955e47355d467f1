/** The StateChange object (RFC 8620 §7.1), with the push state of RFC 8887 §4.3.5.1. */
import type { StateType } from '../../store/mail/types.ts';

/** Its text; null when none of the wanted types (null: all) is among the changed ones. */
export function stateChange(
  account: number,
  changed: Partial<Record<StateType, string>>,
  types: readonly string[] | null,
  pushState: number,
): string | null {
  const wanted = Object.entries(changed).filter(([type]) => types === null || types.includes(type));
  if (wanted.length === 0) return null;
  return JSON.stringify({ '@type': 'StateChange', changed: { [`A${account}`]: Object.fromEntries(wanted) }, pushState: String(pushState) });
}
