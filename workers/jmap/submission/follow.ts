/**
 * What follows once something was sent (RFC 8621 §7.5, RFC 9007 §3.1): one implicit Email/set of all that the `onSuccess`
 * arguments ask for, answered behind the method's own answer.
 */
import type { Json } from '../../../shared/jmap/errors.ts';
import { arrayOf, mapOf, nullable, readId, readObject } from '../../../shared/jmap/readers.ts';
import { realId } from '../../../shared/jmap/set.ts';
import type { JmapContext } from '../context.ts';
import { emailSet } from '../methods/email-set.ts';

/** The arguments, to be spread into a method's readers. */
export const ON_SUCCESS_FIELDS = {
  onSuccessUpdateEmail: nullable(mapOf(readObject)),
  onSuccessDestroyEmail: nullable(arrayOf(readId)),
};

export interface OnSuccess {
  onSuccessUpdateEmail: Map<string, Json> | null;
  onSuccessDestroyEmail: string[] | null;
}

/**
 * The responses of the implicit Email/set; none when nothing was asked for or nothing succeeded. `done`: what succeeded, by
 * id or `#creation id`, and the email it was of.
 */
export async function followUp(
  context: JmapContext,
  accountId: string,
  done: ReadonlyMap<string, string>,
  { onSuccessUpdateEmail, onSuccessDestroyEmail }: OnSuccess,
): Promise<[string, Json][]> {
  const emailOf = (key: string) => done.get(key) ?? done.get(realId(key, context.createdIds));
  const update = [...(onSuccessUpdateEmail ?? [])].flatMap(([key, patch]) => {
    const emailId = emailOf(key);
    return emailId === undefined ? [] : [[emailId, patch] as const];
  });
  const destroy = (onSuccessDestroyEmail ?? []).flatMap((key) => emailOf(key) ?? []);
  if (update.length === 0 && destroy.length === 0) return [];
  const answer = await emailSet({ accountId, update: Object.fromEntries(update), destroy }, context);
  return Array.isArray(answer) ? answer : [['Email/set', answer]];
}
