/** MDN/send (RFC 9007 §2.1): notifications to those who asked for them, then the implicit Email/set that remembers it. */
import { MAIL } from '../../../shared/jmap/capabilities.ts';
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { MethodError, rateLimit } from '../../../shared/jmap/errors.ts';
import { encodeId } from '../../../shared/jmap/ids.ts';
import { setsMdnSent } from '../../../shared/jmap/mdn.ts';
import { mapOf, nullable, readArguments, readCreationId, readId, readObject } from '../../../shared/jmap/readers.ts';
import { mapOrNull, realId } from '../../../shared/jmap/set.ts';
import { ensureIdentities } from '../../outbound/identities.ts';
import type { IdentityRow } from '../../store/mail/types.ts';
import type { JmapContext, Method } from '../context.ts';
import { followUp } from '../submission/follow.ts';
import { mdnAccountId, sendMdn } from '../submission/mdn.ts';

/** What a notification costs in messages: eight queries, of the 50 that a request of 32 messages may make. */
const SENT_COST = 8;

const FIELDS = {
  accountId: readId,
  identityId: readId,
  send: mapOf(readObject, readCreationId),
  onSuccessUpdateEmail: nullable(mapOf(readObject)),
};

export const mdnSend: Method = async (args, context) => {
  // It reaches into Email and Identity (RFC 9007 §2.1).
  if (!context.using.has(MAIL)) throw new MethodError('unknownMethod');
  const accountId = mdnAccountId(args, context);
  const { identityId, send, onSuccessUpdateEmail } = readArguments(args, FIELDS);
  const records = withRealIds(context, send);
  for (const [key, { forEmailId }] of records) {
    const patch = onSuccessUpdateEmail?.get(`#${key}`) ?? onSuccessUpdateEmail?.get(String(forEmailId));
    if (!setsMdnSent(patch))
      throw new MethodError('invalidArguments', `${key} would not set $mdnsent`, { arguments: ['onSuccessUpdateEmail'] });
  }
  const identity = await findIdentity(context, identityId);
  const sent = new Map<string, Json>();
  const notSent = new Map<string, SetError>();
  const done = new Map<string, string>();
  for (const [key, record] of records) {
    const made = context.take(SENT_COST) ? await sendMdn(context, identity, record) : rateLimit();
    if ('type' in made) {
      notSent.set(key, made);
      continue;
    }
    sent.set(key, made.answer);
    done.set(`#${key}`, made.emailId).set(made.emailId, made.emailId);
  }
  const follow = await followUp(context, accountId, done, { onSuccessUpdateEmail, onSuccessDestroyEmail: null });
  return [['MDN/send', { accountId, sent: mapOrNull(sent), notSent: mapOrNull(notSent) }], ...follow];
};

/** Emails made by the same request go by their creation ids. */
function withRealIds({ createdIds }: JmapContext, send: ReadonlyMap<string, Json>): Map<string, Json> {
  const real = ([key, record]: [string, Json]): [string, Json] => {
    const { forEmailId } = record;
    return [key, typeof forEmailId === 'string' ? { ...record, forEmailId: realId(forEmailId, createdIds) } : record];
  };
  return new Map([...send].map(real));
}

async function findIdentity({ env, mail, createdIds }: JmapContext, id: string): Promise<IdentityRow> {
  const identities = await ensureIdentities(env, mail);
  const found = identities.find(({ row }) => encodeId('Identity', row.id) === realId(id, createdIds));
  if (!found) throw new MethodError('invalidArguments', 'no such identity', { arguments: ['identityId'] });
  return found.row;
}
