/**
 * A small JMAP client (RFC 8620): one request carries many calls, back-references join them, every failure
 * becomes a `RequestFailure` that says what a person can do about it. The session cookie is HttpOnly, so the
 * browser attaches it; nothing secret is kept here.
 */
import { Turns } from './turns.ts';
import type { Id, JmapSession } from './types.ts';

export const MAIL = 'urn:ietf:params:jmap:mail';
const CORE = 'urn:ietf:params:jmap:core';
const SUBMISSION = 'urn:ietf:params:jmap:submission';
export const WEBSOCKET = 'urn:ietf:params:jmap:websocket';
/** Longer than any request of ours takes on a slow phone network; after it the person may retry. */
const REQUEST_TIMEOUT_MS = 30_000;

/** `offline`: nothing reached the server. `signedOut`: the cookie is gone. `refused`: the server said no, for `type`. */
export type FailureKind = 'offline' | 'signedOut' | 'refused';

export class RequestFailure extends Error {
  readonly kind: FailureKind;
  /** The JMAP error type, or the HTTP status. */
  readonly type: string;
  constructor(kind: FailureKind, type: string, description = '') {
    super(description || type);
    this.kind = kind;
    this.type = type;
  }
}

export type Call = [method: string, args: Record<string, unknown>, id: string];

export interface SetError {
  type: string;
  description?: string;
}
export interface SetAnswer {
  newState?: string;
  created?: Record<string, { id: Id } & Record<string, unknown>> | null;
  updated?: Record<Id, unknown> | null;
  destroyed?: Id[] | null;
  notCreated?: Record<string, SetError> | null;
  notUpdated?: Record<Id, SetError> | null;
  notDestroyed?: Record<Id, SetError> | null;
}
export interface GetAnswer<T> {
  state: string;
  list: T[];
  notFound: Id[];
}
export interface QueryAnswer {
  queryState: string;
  ids: Id[];
  position: number;
  total?: number;
}

/** The answers of one request, by call id. */
export class Answers {
  readonly #responses: [string, unknown, string][];
  constructor(responses: [string, unknown, string][]) {
    this.#responses = responses;
  }

  /** The answer of call `id`; throws the method's error. `method` is needed when one call has several answers. */
  get<T>(id: string, method?: string): T {
    const found = this.#responses.find(([name, , callId]) => callId === id && (!method || name === method || name === 'error'));
    if (!found) throw new RequestFailure('refused', 'noAnswer', `No answer to ${id}`);
    if (found[0] !== 'error') return found[1] as T;
    const error = found[1] as SetError;
    throw new RequestFailure('refused', error.type, error.description);
  }

  /** As `get`, but null when the call failed. */
  find<T>(id: string, method?: string): T | null {
    try {
      return this.get<T>(id, method);
    } catch {
      return null;
    }
  }
}

/** `#name` arguments of RFC 8620 §3.7. */
export function reference(resultOf: string, name: string, path: string): { resultOf: string; name: string; path: string } {
  return { resultOf, name, path };
}

/** A URL of the session resource as a path on our own origin: behind a proxy its host may be another name. */
function ownPath(url: string): string {
  return url.replace(/^(?:https?|wss?):\/\/[^/]+/, '');
}

export class JmapClient {
  readonly session: JmapSession;
  readonly accountId: Id;
  readonly #uploads: Turns;

  constructor(session: JmapSession) {
    this.session = session;
    this.#uploads = new Turns(Number(session.capabilities[CORE]?.maxConcurrentUpload ?? 1));
    this.accountId = session.primaryAccounts[MAIL] ?? '';
  }

  /** Sends calls in one request; `accountId` is filled in. */
  async send(calls: Call[]): Promise<Answers> {
    const methodCalls = calls.map(([method, args, id]) => [method, { accountId: this.accountId, ...args }, id]);
    const response = await request(ownPath(this.session.apiUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ using: [CORE, MAIL, SUBMISSION], methodCalls }),
    });
    const body = (await response.json()) as { methodResponses: [string, unknown, string][] };
    return new Answers(body.methodResponses);
  }

  /** Uploads octets; the answer's blobId may be used in Email/set. */
  async upload(file: Blob, signal?: AbortSignal): Promise<{ blobId: Id; size: number }> {
    const path = ownPath(this.session.uploadUrl).replace('{accountId}', encodeURIComponent(this.accountId));
    return this.#uploads.take(async () => {
      const response = await request(path, {
        method: 'POST',
        headers: { 'content-type': file.type || 'application/octet-stream' },
        body: file,
        signal: signal ?? null,
      });
      return (await response.json()) as { blobId: Id; size: number };
    });
  }

  /** Where a blob is downloaded from, as an attachment. */
  downloadPath(blobId: Id, name: string, type: string): string {
    return ownPath(this.session.downloadUrl)
      .replace('{accountId}', encodeURIComponent(this.accountId))
      .replace('{blobId}', encodeURIComponent(blobId))
      .replace('{name}', encodeURIComponent(name))
      .replace('{type}', encodeURIComponent(type));
  }

  async download(blobId: Id, name: string, type: string): Promise<Blob> {
    const response = await request(this.downloadPath(blobId, name, type), {});
    return response.blob();
  }

  /** The WebSocket's URL on our own origin; null when the server has none. */
  socketUrl(): string | null {
    const url = this.session.capabilities[WEBSOCKET]?.url;
    if (typeof url !== 'string') return null;
    return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${ownPath(url)}`;
  }

  /** Bytes one upload may have. */
  uploadMax(): number {
    const max = this.session.capabilities[CORE]?.maxSizeUpload;
    return typeof max === 'number' ? max : Number.POSITIVE_INFINITY;
  }
}

/** fetch, with failures told apart. Uploads bring their own signal and have no time limit. */
export async function request(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: 'same-origin', ...init, signal: init.signal ?? AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  } catch (error) {
    throw new RequestFailure('offline', 'offline', String(error));
  }
  if (response.ok) return response;
  if (response.status === 401) throw new RequestFailure('signedOut', '401');
  const problem = (await response.json().catch(() => ({}))) as { type?: string; detail?: string };
  throw new RequestFailure('refused', problem.type ?? String(response.status), problem.detail ?? `HTTP ${response.status}`);
}
