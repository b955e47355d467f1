/** A small JMAP client for the tests of this folder: one account, called through the app as a program would. */
import { env } from 'cloudflare:test';
import { expect } from 'vitest';
import { CORE, MAIL, MDN, QUOTA, SUBMISSION, VACATION } from '../../../shared/jmap/capabilities.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import type { Invocation } from '../../../shared/jmap/request.ts';
import { app } from '../../../workers/app.ts';
import { createMailAccount } from '../../../workers/store/mail/index.ts';
import type { Account } from '../../../workers/store/mail/types.ts';
import { makeAccount, makeApiToken, ORIGIN } from '../../support/directory.ts';

export type Call = [name: string, args: Json, id?: string];

export class Client {
  readonly account: Account;
  readonly accountId: string;
  readonly authorization: string;

  constructor(account: Account, token: string) {
    this.account = account;
    this.accountId = `A${account.id}`;
    this.authorization = `Bearer ${token}`;
  }

  /** A request of this account. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set('authorization', this.authorization);
    return Promise.resolve(app.request(`${ORIGIN}${path}`, { ...init, headers }, env));
  }

  /** POSTs to the API as it is. */
  post(body: BodyInit, type = 'application/json'): Promise<Response> {
    return this.fetch('/jmap/api', { method: 'POST', body, headers: { 'content-type': type } });
  }

  /** Runs calls; `accountId` is added where it is missing. */
  async request(calls: Call[], more: Json = {}): Promise<{ methodResponses: Invocation[]; sessionState: string; createdIds?: Json }> {
    const methodCalls = calls.map(([name, args, id], index) => [name, { accountId: this.accountId, ...args }, id ?? `c${index}`]);
    const answer = await this.post(JSON.stringify({ using: [CORE, MAIL, SUBMISSION, VACATION, MDN, QUOTA], methodCalls, ...more }));
    expect(answer.status).toBe(200);
    return answer.json();
  }

  /** Runs one call and gives the arguments of its answer, which must not be an error. */
  async call(name: string, args: Json = {}): Promise<Json> {
    const { methodResponses } = await this.request([[name, args]]);
    expect(methodResponses[0]?.[0], JSON.stringify(methodResponses[0]?.[1])).toBe(name);
    return methodResponses[0]?.[1] ?? {};
  }

  /** Runs one call that must fail, and gives the error's type. */
  async errorOf(name: string, args: Json = {}): Promise<unknown> {
    const { methodResponses } = await this.request([[name, args]]);
    expect(methodResponses[0]?.[0]).toBe('error');
    return methodResponses[0]?.[1].type;
  }

  async upload(octets: Uint8Array | string, type = 'message/rfc822'): Promise<string> {
    const answer = await this.fetch(`/jmap/upload/${this.accountId}/`, {
      method: 'POST',
      body: octets as BodyInit,
      headers: { 'content-type': type },
    });
    expect(answer.status).toBe(201);
    return ((await answer.json()) as { blobId: string }).blobId;
  }

  /** Uploads and imports a message; its email's creation answer. */
  async import(
    raw: Uint8Array | string,
    mailbox: string,
    more: Json = {},
  ): Promise<{ id: string; blobId: string; threadId: string; size: number }> {
    const blobId = await this.upload(raw);
    const answer = await this.call('Email/import', { emails: { k: { blobId, mailboxIds: { [mailbox]: true }, ...more } } });
    expect(answer.notCreated).toBeNull();
    return (answer.created as Record<string, { id: string; blobId: string; threadId: string; size: number }>).k as never;
  }

  /** Mailbox ids by role. */
  async roles(): Promise<Record<string, string>> {
    const { list } = await this.call('Mailbox/get', { ids: null });
    return Object.fromEntries((list as { id: string; role: string | null }[]).map(({ id, role }) => [role ?? id, id]));
  }

  /** The one email of that id. */
  async email(id: string, args: Json): Promise<Json> {
    const { list } = await this.call('Email/get', { ids: [id], ...args });
    return (list as Json[])[0] ?? {};
  }
}

let count = 0;

/** A client of a new account. */
export async function makeClient(): Promise<Client> {
  const account = await makeAccount(env, `user${++count}@example.test`);
  await createMailAccount(env, account.shard, account.id, null);
  return new Client(account, await makeApiToken(env, account.id));
}
