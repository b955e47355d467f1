/**
 * Accounts and messages for Worker tests: made as the product makes them, by `createMailAccount` and `deliver`, from raw
 * octets through the same indexer the receiver uses.
 */

import type { MessageIndex } from '../../shared/mime/index-types.ts';
import { indexMessage } from '../../shared/mime/indexer.ts';
import { toHex } from '../../shared/signing.ts';
import type { Env } from '../../workers/env.ts';
import { createMailAccount, deliver, openMail } from '../../workers/store/mail/index.ts';
import type { Account, Delivery, EmailRow } from '../../workers/store/mail/types.ts';

let lastAccount = 0;
let lastMessage = 0;

/** An account with its six mailboxes; the directory does not know it. */
export async function createAccount(env: Env, options: Partial<Account> = {}): Promise<Account> {
  const id = options.id ?? ++lastAccount;
  const account = { id, shard: 0, address: `user${id}@example.test`, name: '', quota: null, ...options };
  await createMailAccount(env, account.shard, account.id, account.quota);
  return account;
}

export interface MessageFields {
  from?: string;
  to?: string;
  subject?: string;
  messageId?: string;
  inReplyTo?: string;
  references?: string[];
  body?: string;
  /** More header lines, without line ends. */
  headers?: string[];
}

/** A small message; each is different from every other. */
export function rawMessage(fields: MessageFields = {}): Uint8Array {
  const number = ++lastMessage;
  const lines = [
    `From: ${fields.from ?? 'Ann <ann@example.org>'}`,
    `To: ${fields.to ?? 'me@example.test'}`,
    `Subject: ${fields.subject ?? `Message ${number}`}`,
    'Date: Sat, 21 Nov 2026 10:00:00 +0000',
    `Message-ID: <${fields.messageId ?? `m${number}@example.org`}>`,
    ...(fields.inReplyTo ? [`In-Reply-To: <${fields.inReplyTo}>`] : []),
    ...(fields.references ? [`References: ${fields.references.map((id) => `<${id}>`).join(' ')}`] : []),
    ...(fields.headers ?? []),
    '',
    fields.body ?? `Body number ${number}.`,
    '',
  ];
  return new TextEncoder().encode(lines.join('\r\n'));
}

/** SHA-256 in lower-case hexadecimal. */
export async function digest(raw: Uint8Array): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', raw.slice().buffer)));
}

/** The octets, their digest and their index, with the original put into R2. */
export async function putMessage(env: Env, account: Account, raw: Uint8Array): Promise<{ sha256: string; index: MessageIndex }> {
  const sha256 = await digest(raw);
  await openMail(env, account).putBlob(sha256, raw, raw.length);
  return { sha256, index: indexMessage(raw) };
}

/** A delivery as ingest makes it, its original put. */
export async function makeDelivery(env: Env, account: Account, raw: Uint8Array, options: Partial<Delivery> = {}): Promise<Delivery> {
  const { sha256, index } = await putMessage(env, account, raw);
  const spool = `${(++lastMessage).toString(16).padStart(12, '0')}-${sha256.slice(0, 16)}@1`;
  return {
    spool,
    sha256,
    index,
    receivedAt: 1_800_000_000_000 + lastMessage * 1000,
    verdicts: null,
    role: 'inbox',
    keywords: [],
    ...options,
  };
}

/** Delivers a message and returns its id. */
export async function deliverRaw(env: Env, account: Account, raw: Uint8Array | string, options: Partial<Delivery> = {}): Promise<number> {
  const octets = typeof raw === 'string' ? new TextEncoder().encode(raw) : raw;
  const delivery = await makeDelivery(env, account, octets, options);
  const [status] = await deliver(env, [{ account, delivery }]);
  if (status !== 'stored') throw new Error(`not stored: ${status}`);
  const { nextEmail } = await accountRow(env, account);
  return nextEmail - 1;
}

/** Delivers `count` small messages in one call; their ids. */
export async function deliverMany(
  env: Env,
  account: Account,
  count: number,
  fields: (index: number) => MessageFields = () => ({}),
): Promise<number[]> {
  const ids: number[] = [];
  for (let start = 0; start < count; start += 100) {
    const deliveries: { account: Account; delivery: Delivery }[] = [];
    for (let index = start; index < Math.min(count, start + 100); index++) {
      const raw = rawMessage(fields(index));
      const sha256 = await digest(raw);
      const spool = `${(++lastMessage).toString(16).padStart(12, '0')}-${sha256.slice(0, 16)}@1`;
      const delivery: Delivery = {
        spool,
        sha256,
        index: indexMessage(raw),
        receivedAt: 1_800_000_000_000 + lastMessage * 1000,
        verdicts: null,
        role: 'inbox',
        keywords: [],
      };
      deliveries.push({ account, delivery });
    }
    await deliver(env, deliveries);
    const { nextEmail } = await accountRow(env, account);
    for (let id = nextEmail - deliveries.length; id < nextEmail; id++) ids.push(id);
  }
  return ids;
}

async function accountRow(env: Env, account: Account): Promise<{ nextEmail: number }> {
  const row = await env.MAIL_0.prepare('SELECT nextEmail FROM account WHERE id = ?1').bind(account.id).first<{ nextEmail: number }>();
  if (!row) throw new Error('no such account');
  return row;
}

/** The id of the mailbox with a role. */
export async function mailboxOf(env: Env, account: Account, role: string): Promise<number> {
  const mailbox = (await openMail(env, account).mailboxes()).find((candidate) => candidate.role === role);
  if (!mailbox) throw new Error(`no mailbox with role ${role}`);
  return mailbox.id;
}

/** One email as JMAP sees it; throws when it does not. */
export async function emailOf(env: Env, account: Account, id: number): Promise<EmailRow> {
  const [email] = await openMail(env, account).emails([id]);
  if (!email) throw new Error(`no email ${id}`);
  return email;
}
