/** The StateChange object (RFC 8620 §7.1), with the push state of RFC 8887 §4.3.5.1: the account's clock. */
import type { StateType } from '../../store/mail/types.ts';

/** States by type, as `Foo/get` answers them. */
export type TypeStates = Partial<Record<StateType, string>>;

/** What can be told. A PushSubscription has no state and belongs to no account (RFC 8620 §7.2). */
export const PUSHED_TYPES: readonly StateType[] = [
  'Mailbox',
  'Email',
  'Thread',
  'EmailDelivery',
  'Identity',
  'EmailSubmission',
  'VacationResponse',
  'Quota',
];

/** The changes of wanted types (null: all); null when there are none. */
export function wantedChanges(changed: TypeStates, types: readonly string[] | null): TypeStates | null {
  const wanted = PUSHED_TYPES.filter((type) => changed[type] !== undefined && (types === null || types.includes(type)));
  return wanted.length === 0 ? null : Object.fromEntries(wanted.map((type) => [type, changed[type]]));
}

/** Both, and of a type that is in both its later state. */
export function latest(some: TypeStates, others: TypeStates): TypeStates {
  const later = Object.entries(others).filter(([type, state]) => Number(state) > Number(some[type as StateType] ?? -1));
  return { ...some, ...Object.fromEntries(later) };
}

/** Of the states at `modseq`, those that moved since `pushState`: all of them, when it is none of ours. */
export function changesSince(states: TypeStates, modseq: number, pushState: string): TypeStates {
  const since = /^\d{1,15}$/.test(pushState) && Number(pushState) <= modseq ? Number(pushState) : -1;
  return Object.fromEntries(Object.entries(states).filter(([, state]) => Number(state) > since));
}

/** The StateChange as text. `pushState`: null where the protocol has none, as in a push to a subscription. */
export function stateChange(account: number, changed: TypeStates, pushState: number | null): string {
  const state = pushState === null ? {} : { pushState: String(pushState) };
  return JSON.stringify({ '@type': 'StateChange', changed: { [`A${account}`]: changed }, ...state });
}
