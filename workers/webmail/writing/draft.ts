/**
 * A message being written, and the JMAP calls that keep or send it. An email cannot be changed once made
 * (RFC 8621 §4.6), so saving makes a new draft and destroys the one before in the same call.
 */
import type { Call } from '../jmap/client.ts';
import type { EmailAddress, Id } from '../jmap/types.ts';

export interface Attachment {
  /** Only for this page. */
  key: number;
  name: string;
  type: string;
  size: number;
  /** null while it is being uploaded. */
  blobId: Id | null;
  failed: boolean;
}

export interface Draft {
  identityId: Id;
  from: EmailAddress;
  to: EmailAddress[];
  cc: EmailAddress[];
  bcc: EmailAddress[];
  subject: string;
  body: string;
  attachments: Attachment[];
  inReplyTo: string[] | null;
  references: string[] | null;
  /** The message this answers, and the keyword it gets once this is sent. */
  answers: { id: Id; keyword: '$answered' | '$forwarded' } | null;
  /** The draft as saved last; null when it never was. */
  savedId: Id | null;
}

/** The Email/set create object. */
export function emailObject(draft: Draft, mailboxId: Id): Record<string, unknown> {
  const attachments = draft.attachments.filter(({ blobId }) => blobId !== null);
  return {
    mailboxIds: { [mailboxId]: true },
    keywords: { $draft: true, $seen: true },
    from: [draft.from],
    ...given('to', draft.to),
    ...given('cc', draft.cc),
    ...given('bcc', draft.bcc),
    subject: draft.subject,
    ...given('inReplyTo', draft.inReplyTo ?? []),
    ...given('references', draft.references ?? []),
    textBody: [{ partId: 'text', type: 'text/plain' }],
    bodyValues: { text: { value: draft.body } },
    ...given(
      'attachments',
      attachments.map(({ blobId, name, type }) => ({ blobId, name, type, disposition: 'attachment' })),
    ),
  };
}

/** Saves: the new draft in, the old one out. */
export function saveCalls(draft: Draft, drafts: Id): Call[] {
  return [['Email/set', { create: { draft: emailObject(draft, drafts) }, ...destroyOf(draft.savedId) }, 'save']];
}

/**
 * Sends in one request: the message is made in Drafts, submitted, and on success moved to Sent without
 * `$draft` (RFC 8621 §7.5). When the submission is refused, the draft is what remains.
 */
export function sendCalls(draft: Draft, drafts: Id, sent: Id): Call[] {
  const onSuccessUpdateEmail = {
    '#submission': { [`mailboxIds/${drafts}`]: null, [`mailboxIds/${sent}`]: true, 'keywords/$draft': null },
  };
  return [
    ['Email/set', { create: { draft: emailObject(draft, drafts) } }, 'save'],
    [
      'EmailSubmission/set',
      { create: { submission: { identityId: draft.identityId, emailId: '#draft' } }, onSuccessUpdateEmail },
      'submit',
    ],
  ];
}

/** After sending: the older draft goes, the message answered is marked. */
export function afterSendCalls(draft: Draft): Call[] {
  const update = draft.answers ? { update: { [draft.answers.id]: { [`keywords/${draft.answers.keyword}`]: true } } } : {};
  const args = { ...update, ...destroyOf(draft.savedId) };
  return Object.keys(args).length > 0 ? [['Email/set', args, 'after']] : [];
}

/** True when nothing was written that would be missed. */
export function isEmpty(draft: Draft, beginning: Draft): boolean {
  const plain = ({ to, cc, bcc, subject, body, attachments }: Draft) =>
    JSON.stringify([to, cc, bcc, subject, body, attachments.map(({ key }) => key)]);
  return plain(draft) === plain(beginning);
}

function destroyOf(id: Id | null): { destroy?: Id[] } {
  return id === null ? {} : { destroy: [id] };
}

function given<T>(name: string, values: T[]): Record<string, T[]> {
  return values.length > 0 ? { [name]: values } : {};
}
