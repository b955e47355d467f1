/**
 * One account's mail, as the doors see it (types.ts). Everything that reads or writes mail goes through here; beside it lie
 * what is asked without an account at hand: making one, delivering to many, the outbox, heads of many feeds.
 */
import { CHANGES_PAGE_MAX } from '../../../shared/protocol.ts';
import type { Env } from '../../env.ts';
import { findOriginals, getOriginal, putOriginal } from '../blobs.ts';
import { applyOperations } from './apply.ts';
import { readChanges } from './bridge.ts';
import { commit } from './commit.ts';
import { readEmails, readMailboxes, readThreadIds, readThreads } from './emails.ts';
import { changeIdentities, readIdentities } from './identities.ts';
import { emailByMessageId } from './message-ids.ts';
import type { AppliedOperation } from './operations/applied.ts';
import { queryChanges } from './query/changes.ts';
import { runQuery } from './query/plan.ts';
import { searchWords } from './query/words.ts';
import { quotaChanges } from './quota.ts';
import { addSent } from './sent.ts';
import { readAccount, statesOf } from './states.ts';
import { querySubmissions, submissionListChanges } from './submission-query.ts';
import { addSubmission, destroySubmission, readSubmissions, updateSubmission } from './submissions.ts';
import { typeChanges } from './type-changes.ts';
import type { Account, MailStore } from './types.ts';
import { readVacation, setVacation } from './vacation.ts';

export { createMailAccount, removeMailAccount } from './account.ts';
export { Busy, CondemnedOriginal } from './attempts.ts';
export { readHeads } from './bridge.ts';
export { type AddressedDelivery, type DeliveryStatus, deliver } from './deliver.ts';
export { type HubNotice, hubOf } from './hub.ts';
export { NoSuchAccount } from './load.ts';
export { FilterTooLarge } from './query/filter.ts';
export { setQuota } from './quota.ts';
export { dueSubmissions } from './submissions.ts';

/** Opens an account's mail; costs nothing until asked. */
export function openMail(env: Env, account: Account): MailStore {
  return {
    account,
    states: async () => statesOf(await readAccount(env, account)),
    usage: async () => {
      const { octets, messages, quota } = await readAccount(env, account);
      return { octets, messages, quota };
    },
    mailboxes: () => readMailboxes(env, account),
    mailboxChanges: (since, max) => typeChanges(env, account, 'Mailbox', since, max),
    emails: (ids) => readEmails(env, account, ids),
    emailChanges: (since, max) => typeChanges(env, account, 'Email', since, max),
    threads: (ids) => readThreads(env, account, ids),
    threadIds: (max) => readThreadIds(env, account, max),
    threadChanges: (since, max) => typeChanges(env, account, 'Thread', since, max),
    query: (query) => runQuery(env, account, query),
    searchWords: (scope, text, after) => searchWords(env, account, scope, text, after),
    queryChanges: (query, since, upTo) => queryChanges(env, account, query, since, upTo),
    apply: (operations, options) => apply(env, account, operations, options),
    addSent: (copy) => addSent(env, account, copy),
    identities: () => readIdentities(env, account),
    changeIdentities: (change, ifInState) => changeIdentities(env, account, change, ifInState),
    identityChanges: (since, max) => typeChanges(env, account, 'Identity', since, max),
    submissions: (ids) => readSubmissions(env, account, ids),
    submissionChanges: (since, max) => typeChanges(env, account, 'EmailSubmission', since, max),
    addSubmission: (key, submission) => addSubmission(env, account, key, submission),
    querySubmissions: (query) => querySubmissions(env, account, query),
    submissionListChanges: (list, since, calculateTotal) => submissionListChanges(env, account, list, since, calculateTotal),
    updateSubmission: (id, change, onlyIf) => updateSubmission(env, account, id, change, onlyIf),
    destroySubmission: (id) => destroySubmission(env, account, id),
    vacation: () => readVacation(env, account),
    setVacation: (change) => setVacation(env, account, change),
    emailByMessageId: (messageId) => emailByMessageId(env, account, messageId),
    quotaChanges: (since) => quotaChanges(env, account, since),
    putBlob: (sha256, body, size, facts) => putOriginal(env, account.id, sha256, body, size, facts),
    getBlob: (sha256, range) => getOriginal(env, account.id, sha256, range),
    changes: (cursor, limit) => readChanges(env, account, cursor, Math.max(1, Math.min(limit, CHANGES_PAGE_MAX))),
    commit: (request, blobs) => commit(env, account, request, blobs),
  };
}

/** Originals of what is added are looked for first, but for those the request has just put; each is a subrequest. */
async function apply(
  env: Env,
  account: Account,
  operations: AppliedOperation[],
  { put = new Set(), ...options }: NonNullable<Parameters<MailStore['apply']>[1]> = {},
) {
  const digests = operations.flatMap((operation) => ('sha256' in operation && !put.has(operation.sha256) ? [operation.sha256] : []));
  const blobs = new Set([...put, ...(await findOriginals(env, account.id, digests))]);
  const made = await applyOperations(env, account, operations, blobs, options);
  return 'known' in made ? [] : made.result;
}
