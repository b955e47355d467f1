/** Thread/get (RFC 8621 §3.1): the emails of each thread, oldest first. */
import type { Json } from '../../../shared/jmap/errors.ts';
import { MethodError } from '../../../shared/jmap/errors.ts';
import { getAnswer, pick, readGet } from '../../../shared/jmap/get.ts';
import { decodeId, encodeId } from '../../../shared/jmap/ids.ts';
import type { Method } from '../context.ts';

export const threadGet: Method = async (args, context) => {
  const accountId = context.accountId(args);
  const { ids, properties } = readGet(args, ['id', 'emailIds']);
  if (ids === null) throw new MethodError('requestTooLarge', 'name the threads');
  const { Thread: state } = await context.states();
  const wanted = ids.flatMap((id) => decodeId('Thread', id) ?? []);
  const threads = wanted.length === 0 ? new Map<number, number[]>() : await context.mail.threads(wanted);
  const found = new Map<string, Json>();
  for (const [thread, emails] of threads) {
    const id = encodeId('Thread', thread);
    found.set(id, pick({ id, emailIds: emails.map((email) => encodeId('Email', email)) }, properties));
  }
  return getAnswer(accountId, state, ids, found);
};
