/**
 * What this server can do and how much of it (RFC 8620 §2, RFC 8621 §1.3, RFC 8887 §3). The figures
 * are announced in the session and enforced where they are read from here.
 */
import { utcDate } from './dates.ts';

export const CORE = 'urn:ietf:params:jmap:core';
export const MAIL = 'urn:ietf:params:jmap:mail';
export const SUBMISSION = 'urn:ietf:params:jmap:submission';
export const VACATION = 'urn:ietf:params:jmap:vacationresponse';
export const MDN = 'urn:ietf:params:jmap:mdn';
export const QUOTA = 'urn:ietf:params:jmap:quota';
export const WEBSOCKET = 'urn:ietf:params:jmap:websocket';
export const WEBPUSH_VAPID = 'urn:ietf:params:jmap:webpush-vapid';
export const BLOB = 'urn:ietf:params:jmap:blob';

/** Octets of one request: its JSON is held in memory together with its answer. */
export const REQUEST_SIZE_MAX = 10_000_000;
/** Each call costs some of the 50 queries of a request. */
export const CALLS_MAX = 32;
/** One page of a list, generously; a record with its headers and structure is a few kilobytes. */
export const GET_OBJECTS_MAX = 500;
/** A batch touches its emails in one statement; more would pass D1's limits. */
export const SET_OBJECTS_MAX = 500;
/** Requests and uploads of one account that an isolate of the Worker works on at a time: it has 128 MB for all. */
export const CONCURRENT_REQUESTS_MAX = 16;
export const CONCURRENT_UPLOADS_MAX = 8;
/** A page of a query. */
export const QUERY_LIMIT_MAX = 500;
/** Octets of a message when the deployment says nothing else. */
export const MESSAGE_SIZE_DEFAULT = 64 * 1024 * 1024;
/** Octets of UTF-8 in a mailbox name; RFC 8621 §1.3.1 asks for at least 100. */
export const MAILBOX_NAME_MAX = 255;
/** Levels of mailboxes: deep trees make every walk to the root expensive. */
export const MAILBOX_DEPTH_MAX = 16;
/** Mailboxes one email may be in: each is a row with its indexes. */
export const MAILBOXES_PER_EMAIL_MAX = 32;

/** Collations of RFC 4790 that text may be sorted by; both fold case as the store's own order does. */
export const COLLATIONS: readonly string[] = ['i;ascii-casemap', 'i;unicode-casemap'];
export const EMAIL_SORTS = [
  'receivedAt',
  'sentAt',
  'size',
  'from',
  'to',
  'subject',
  'hasKeyword',
  'allInThreadHaveKeyword',
  'someInThreadHaveKeyword',
] as const;

/** The core capability of the session. `messageSizeMax` in octets. */
export function coreCapability(messageSizeMax: number) {
  return {
    maxSizeUpload: messageSizeMax,
    maxConcurrentUpload: CONCURRENT_UPLOADS_MAX,
    maxSizeRequest: REQUEST_SIZE_MAX,
    maxConcurrentRequests: CONCURRENT_REQUESTS_MAX,
    maxCallsInRequest: CALLS_MAX,
    maxObjectsInGet: GET_OBJECTS_MAX,
    maxObjectsInSet: SET_OBJECTS_MAX,
    collationAlgorithms: COLLATIONS,
  };
}

/** Octets of attachments that surely fit into a message (RFC 8621 §1.3.1): base64 makes 78 of 57, and the rest has a megabyte at most. */
export function attachmentsSizeMax(messageSizeMax: number): number {
  return Math.max(0, Math.floor((messageSizeMax - Math.min(1_048_576, messageSizeMax / 4)) * (57 / 78)));
}

/** The mail capability of one account. */
export function mailCapability(messageSizeMax: number) {
  return {
    maxMailboxesPerEmail: MAILBOXES_PER_EMAIL_MAX,
    maxMailboxDepth: MAILBOX_DEPTH_MAX,
    maxSizeMailboxName: MAILBOX_NAME_MAX,
    maxSizeAttachmentsPerEmail: attachmentsSizeMax(messageSizeMax),
    emailQuerySortOptions: EMAIL_SORTS,
    mayCreateTopLevelMailbox: true,
  };
}

/** Seconds a message may be held before it leaves (RFC 4865): the row waits, so a month costs what a minute does. */
export const DELAYED_SEND_MAX = 30 * 86_400;

/**
 * The submission capability of one account (RFC 8621 §1.3.2). FUTURERELEASE has the longest time and the latest date
 * (RFC 4865 §3), which moves once a day so that the session's state does not move with every second.
 */
export function submissionCapability(messageSizeMax: number, now = Date.now()) {
  const today = now - (now % 86_400_000);
  const latest = utcDate(today + DELAYED_SEND_MAX * 1000);
  return {
    maxDelayedSend: DELAYED_SEND_MAX,
    submissionExtensions: { FUTURERELEASE: [String(DELAYED_SEND_MAX), latest], SIZE: [String(messageSizeMax)] },
  };
}

/** Pieces a blob may be put together of in Blob/upload; RFC 9404 §3.1 asks for at least 64. */
export const DATA_SOURCES_MAX = 64;
/** Types of which Blob/lookup says what points to a blob (RFC 9404 §4.3). */
export const LOOKUP_TYPES = ['Mailbox', 'Thread', 'Email'] as const;
/** Digests of Blob/get, by their names in the registry of RFC 5843, and as Web Crypto calls them. */
export const DIGESTS = { sha: 'SHA-1', 'sha-256': 'SHA-256' } as const;

/** The blob capability of one account (RFC 9404 §3.1). `blobSizeMax` in octets. */
export function blobCapability(blobSizeMax: number) {
  return {
    maxSizeBlobSet: blobSizeMax,
    maxDataSources: DATA_SOURCES_MAX,
    supportedTypeNames: LOOKUP_TYPES,
    supportedDigestAlgorithms: Object.keys(DIGESTS),
  };
}
