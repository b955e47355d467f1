/**
 * JMAP's three levels of error (RFC 8620 §3.6): the request as a whole (a problem document), one
 * method call (an `error` response), one record of a /set (a SetError). Each is a value that carries
 * its code; only `MethodError` and `ShapeError` are thrown, and the dispatch catches them.
 */

export type Json = Record<string, unknown>;

/** RFC 8620 §3.6.2, §5, RFC 8621 and RFC 9404: every type a method of ours answers with. */
export type MethodErrorType =
  | 'serverUnavailable'
  | 'serverFail'
  | 'unknownMethod'
  | 'invalidArguments'
  | 'invalidResultReference'
  | 'forbidden'
  | 'accountNotFound'
  | 'accountNotSupportedByMethod'
  | 'accountReadOnly'
  | 'requestTooLarge'
  | 'cannotCalculateChanges'
  | 'tooManyChanges'
  | 'stateMismatch'
  | 'anchorNotFound'
  | 'unsupportedFilter'
  | 'unsupportedSort'
  | 'fromAccountNotFound'
  | 'unknownDataType'
  | 'fromAccountNotSupportedByMethod';

/** Ends one method call with an `error` response. */
export class MethodError extends Error {
  readonly type: MethodErrorType;
  readonly description: string | undefined;
  /** Further properties of the response, such as `arguments`. */
  readonly details: Json;

  constructor(type: MethodErrorType, description?: string, details: Json = {}) {
    super(description === undefined ? type : `${type}: ${description}`);
    this.type = type;
    this.description = description;
    this.details = details;
  }

  /** The arguments of the `error` response. */
  answer(): Json {
    return this.description === undefined
      ? { type: this.type, ...this.details }
      : { type: this.type, description: this.description, ...this.details };
  }
}

/** A value is not of the type asked for. A reader of arguments makes it `invalidArguments`, a reader of records `invalidProperties`. */
export class ShapeError extends Error {
  /** Where, as a JSON Pointer without its first slash. */
  readonly path: string;
  readonly expected: string;

  constructor(path: string, expected: string) {
    super(`${path || 'value'}: ${expected}`);
    this.path = path;
    this.expected = expected;
  }
}

/** RFC 8620 §5.3, RFC 8621 §2.5, §4.6, §7.5. */
export type SetErrorType =
  | 'forbidden'
  | 'overQuota'
  | 'tooLarge'
  | 'rateLimit'
  | 'notFound'
  | 'invalidPatch'
  | 'willDestroy'
  | 'invalidProperties'
  | 'singleton'
  | 'alreadyExists'
  | 'stateMismatch'
  | 'serverFail'
  | 'blobNotFound'
  | 'tooManyKeywords'
  | 'tooManyMailboxes'
  | 'mailboxHasChild'
  | 'mailboxHasEmail'
  | 'invalidEmail'
  | 'tooManyRecipients'
  | 'noRecipients'
  | 'invalidRecipients'
  | 'forbiddenMailFrom'
  | 'forbiddenFrom'
  | 'forbiddenToSend'
  | 'cannotUnsend'
  | 'mdnAlreadySent';

export interface SetError {
  type: SetErrorType;
  description?: string;
  properties?: string[];
  /** `blobNotFound`: the blob ids. */
  notFound?: string[];
  existingId?: string;
}

/** The SetError of properties that are wrong. */
export function invalidProperties(properties: string[], description?: string): SetError {
  return description === undefined ? { type: 'invalidProperties', properties } : { type: 'invalidProperties', properties, description };
}

/** The SetError of an object beyond what one request can do within a Worker's limits: the next request does it (RFC 8620 §5.3). */
export function rateLimit(): SetError {
  return { type: 'rateLimit', description: 'one request does no more than this; send the rest in another' };
}

/** RFC 8620 §3.6.1. */
export type RequestErrorType = 'unknownCapability' | 'notJSON' | 'notRequest' | 'limit';

/** A problem document (RFC 7807): what is answered when the request as a whole is refused. */
export interface Problem {
  type: string;
  status: number;
  detail: string;
  limit?: string;
}

/** The problem of a request-level error; `limit` names the limit that was passed. */
export function requestProblem(type: RequestErrorType, detail: string, limit?: string): Problem {
  const problem: Problem = { type: `urn:ietf:params:jmap:error:${type}`, status: 400, detail };
  return limit === undefined ? problem : { ...problem, limit };
}
