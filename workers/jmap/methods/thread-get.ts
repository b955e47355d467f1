/** Thread/get (RFC 8621 §3.1): the emails of each thread, oldest first. */
import { GET_OBJECTS_MAX } from '../../../shared/jmap/capabilities.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import { MethodError } from '../../../shared/jmap/errors.ts';
import { getAnswer, pick, readGet } from '../../../shared/jmap/get.ts';
import { decodeId, encodeId } from '../../../shared/jmap/ids.ts';
import type { JmapContext, Method } from '../context.ts';

export const threadGet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const { ids, properties } = readGet(args, ['id', 'emailIds']);
  const [{ Thread: state }, threads] = await Promise.all([context.states(), readThreads(context, ids)]);
  const found = new Map<string, Json>();
  for (const [thread, emails] of threads) {
    const id = encodeId('Thread', thread);
    found.set(id, pick({ id, emailIds: emails.map((email) => encodeId('Email', email)) }, properties));
  }
  return getAnswer(accountId, state, ids, found);
};

async function readThreads(context: JmapContext, ids: readonly string[] | null): Promise<Map<number, number[]>> {
  const wanted = ids === null ? await allIds(context) : ids.flatMap((id) => decodeId('Thread', id) ?? []);
  return wanted.length === 0 ? new Map() : context.mail.threads(wanted);
}

/** Every thread of the account, when they are few enough for one answer. */
async function allIds(context: JmapContext): Promise<number[]> {
  const ids = await context.mail.threadIds(GET_OBJECTS_MAX + 1);
  if (ids.length > GET_OBJECTS_MAX) throw new MethodError('requestTooLarge', `at most ${GET_OBJECTS_MAX} threads; name the ids`);
  return ids;
}
