/** Every JMAP method, by the name clients call it and the capability they must be using. */
import { BLOB, CORE, MAIL, MDN, QUOTA, SUBMISSION, VACATION } from '../../../shared/jmap/capabilities.ts';
import type { Method } from '../context.ts';
import { blobCopy } from './blob-copy.ts';
import { blobGet } from './blob-get.ts';
import { blobLookup } from './blob-lookup.ts';
import { blobUpload } from './blob-upload.ts';
import { coreEcho } from './core-echo.ts';
import { emailChanges } from './email-changes.ts';
import { emailCopy } from './email-copy.ts';
import { emailGet } from './email-get.ts';
import { emailImport } from './email-import.ts';
import { emailParse } from './email-parse.ts';
import { emailQuery } from './email-query.ts';
import { emailQueryChanges } from './email-query-changes.ts';
import { emailSet } from './email-set.ts';
import { identityChanges } from './identity-changes.ts';
import { identityGet } from './identity-get.ts';
import { identitySet } from './identity-set.ts';
import { mailboxChanges } from './mailbox-changes.ts';
import { mailboxGet } from './mailbox-get.ts';
import { mailboxQuery } from './mailbox-query.ts';
import { mailboxQueryChanges } from './mailbox-query-changes.ts';
import { mailboxSet } from './mailbox-set.ts';
import { mdnParse } from './mdn-parse.ts';
import { mdnSend } from './mdn-send.ts';
import { pushSubscriptionGet } from './push-subscription-get.ts';
import { pushSubscriptionSet } from './push-subscription-set.ts';
import { quotaChanges } from './quota-changes.ts';
import { quotaGet } from './quota-get.ts';
import { quotaQuery } from './quota-query.ts';
import { quotaQueryChanges } from './quota-query-changes.ts';
import { searchSnippetGet } from './search-snippet-get.ts';
import { submissionChanges } from './submission-changes.ts';
import { submissionGet } from './submission-get.ts';
import { submissionQuery } from './submission-query.ts';
import { submissionQueryChanges } from './submission-query-changes.ts';
import { submissionSet } from './submission-set.ts';
import { threadChanges } from './thread-changes.ts';
import { threadGet } from './thread-get.ts';
import { vacationResponseGet } from './vacation-response-get.ts';
import { vacationResponseSet } from './vacation-response-set.ts';

interface MethodEntry {
  capability: string;
  run: Method;
}

const BY_CAPABILITY: Record<string, Record<string, Method>> = {
  [CORE]: {
    'Core/echo': coreEcho,
    'Blob/copy': blobCopy,
    'PushSubscription/get': pushSubscriptionGet,
    'PushSubscription/set': pushSubscriptionSet,
  },
  [BLOB]: {
    'Blob/upload': blobUpload,
    'Blob/get': blobGet,
    'Blob/lookup': blobLookup,
  },
  [MAIL]: {
    'Mailbox/get': mailboxGet,
    'Mailbox/changes': mailboxChanges,
    'Mailbox/query': mailboxQuery,
    'Mailbox/queryChanges': mailboxQueryChanges,
    'Mailbox/set': mailboxSet,
    'Thread/get': threadGet,
    'Thread/changes': threadChanges,
    'Email/get': emailGet,
    'Email/changes': emailChanges,
    'Email/query': emailQuery,
    'Email/queryChanges': emailQueryChanges,
    'Email/set': emailSet,
    'Email/copy': emailCopy,
    'Email/import': emailImport,
    'Email/parse': emailParse,
    'SearchSnippet/get': searchSnippetGet,
  },
  [SUBMISSION]: {
    'Identity/get': identityGet,
    'Identity/changes': identityChanges,
    'Identity/set': identitySet,
    'EmailSubmission/get': submissionGet,
    'EmailSubmission/changes': submissionChanges,
    'EmailSubmission/query': submissionQuery,
    'EmailSubmission/queryChanges': submissionQueryChanges,
    'EmailSubmission/set': submissionSet,
  },
  [VACATION]: {
    'VacationResponse/get': vacationResponseGet,
    'VacationResponse/set': vacationResponseSet,
  },
  [MDN]: {
    'MDN/send': mdnSend,
    'MDN/parse': mdnParse,
  },
  [QUOTA]: {
    'Quota/get': quotaGet,
    'Quota/changes': quotaChanges,
    'Quota/query': quotaQuery,
    'Quota/queryChanges': quotaQueryChanges,
  },
};

export const METHODS: ReadonlyMap<string, MethodEntry> = new Map(
  Object.entries(BY_CAPABILITY).flatMap(([capability, methods]) =>
    Object.entries(methods).map(([name, run]) => [name, { capability, run }] as const),
  ),
);
