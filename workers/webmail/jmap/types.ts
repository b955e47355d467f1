/**
 * The JMAP objects the webmail reads (RFC 8620 §2, RFC 8621 §2, §4, §6), with only the properties it asks
 * for. Ids are opaque strings. Everything in them was written by strangers and is only ever shown as text.
 */
export type Id = string;

export interface JmapSession {
  username: string;
  apiUrl: string;
  uploadUrl: string;
  downloadUrl: string;
  primaryAccounts: Record<string, Id>;
  capabilities: Record<string, Record<string, unknown>>;
  state: string;
}

export interface Mailbox {
  id: Id;
  name: string;
  parentId: Id | null;
  role: string | null;
  sortOrder: number;
  totalEmails: number;
  unreadEmails: number;
  totalThreads: number;
  unreadThreads: number;
}

export interface EmailAddress {
  name: string | null;
  email: string;
}

/** What a row of the list needs. */
export interface EmailSummary {
  id: Id;
  threadId: Id;
  mailboxIds: Record<Id, true>;
  keywords: Record<string, true>;
  from: EmailAddress[] | null;
  to: EmailAddress[] | null;
  subject: string | null;
  preview: string;
  receivedAt: string;
  hasAttachment: boolean;
}

export interface BodyPart {
  partId: string | null;
  blobId: Id | null;
  size: number;
  name: string | null;
  type: string;
  disposition: string | null;
  cid: string | null;
}

export interface BodyValue {
  value: string;
  isTruncated: boolean;
  isEncodingProblem: boolean;
}

/** What a message of an open conversation needs. */
export interface EmailDetail extends EmailSummary {
  blobId: Id;
  size: number;
  messageId: string[] | null;
  inReplyTo: string[] | null;
  references: string[] | null;
  cc: EmailAddress[] | null;
  bcc: EmailAddress[] | null;
  replyTo: EmailAddress[] | null;
  sentAt: string | null;
  textBody: BodyPart[];
  htmlBody: BodyPart[];
  attachments: BodyPart[];
}

export interface Identity {
  id: Id;
  name: string;
  email: string;
  replyTo: EmailAddress[] | null;
  textSignature?: string;
}

export const SUMMARY_PROPERTIES = [
  'id',
  'threadId',
  'mailboxIds',
  'keywords',
  'from',
  'to',
  'subject',
  'preview',
  'receivedAt',
  'hasAttachment',
] as const;

export const DETAIL_PROPERTIES = [
  ...SUMMARY_PROPERTIES,
  'blobId',
  'size',
  'messageId',
  'inReplyTo',
  'references',
  'cc',
  'bcc',
  'replyTo',
  'sentAt',
  'textBody',
  'htmlBody',
  'attachments',
] as const;

export const BODY_PROPERTIES = ['partId', 'blobId', 'size', 'name', 'type', 'disposition', 'cid'] as const;
