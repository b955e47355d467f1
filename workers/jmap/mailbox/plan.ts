/** The order in which updates and destructions of one Mailbox/set can be: what fails for another's sake is tried again after it. */
import type { SetError } from '../../../shared/jmap/errors.ts';
import { MailboxUpdate, updateTogether } from './update.ts';
import type { Attempt, Step } from './work.ts';

/** Passes over what is left; what waits longer is tried together. */
const PASSES_MAX = 3;

/** The steps of all changes that can be; the others are settled. */
export function planChanges(changes: readonly Attempt[]): Step[] {
  const steps: Step[] = [];
  let waiting = changes.map((change) => ({ change, error: null as SetError | null }));
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    const left: typeof waiting = [];
    for (const { change } of waiting) {
      const step = change.attempt();
      if ('type' in step) left.push({ change, error: step });
      else steps.push(step);
    }
    const isStuck = left.length === waiting.length;
    waiting = left;
    if (isStuck) break;
  }
  steps.push(...updateTogether(waiting.flatMap(({ change }) => (change instanceof MailboxUpdate ? change : []))));
  for (const { change, error } of waiting) {
    if (change instanceof MailboxUpdate || error === null) continue;
    const step = change.attempt();
    if ('type' in step) change.refuse(step);
    else steps.push(step);
  }
  return steps;
}
