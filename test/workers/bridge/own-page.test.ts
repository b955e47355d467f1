/**
 * The page of changes that a commit answers without reading it: it is what anybody would read who knew as much as the caller, and
 * whoever knows less gets all that is missing.
 */
import { env } from 'cloudflare:test';
import { expect, test } from 'vitest';
import type { ChangesPage, Operation } from '../../../shared/protocol.ts';
import { openMail } from '../../../workers/store/mail/index.ts';
import type { MailStore } from '../../../workers/store/mail/types.ts';
import { createAccount, deliverMany, putMessage, rawMessage } from '../../support/mail.ts';
import { cost } from '../../support/rows.ts';

const [INBOX, ARCHIVE] = [1, 4];
let commits = 0;

async function append(mail: MailStore, raw: Uint8Array): Promise<Operation> {
  const { sha256, index } = await putMessage(env, mail.account, raw);
  return { op: 'append', mailbox: ARCHIVE, sha256, inline: 0, index, keywords: ['$seen'], receivedAt: 5000 };
}

function byId({ emails, mailboxes, ...page }: ChangesPage): ChangesPage {
  return { ...page, emails: emails.toSorted((a, b) => a.id - b.id), mailboxes: mailboxes.toSorted((a, b) => a.id - b.id) };
}

/** Commits from where everything is known, and compares the answer with what a reader is told. */
async function compare(mail: MailStore, operations: Operation[]): Promise<ChangesPage> {
  const { cursor } = await mail.changes('', 500);
  const { changes } = await mail.commit({ id: `own-page-${++commits}`, since: cursor, operations });
  expect(byId(changes)).toEqual(byId(await mail.changes(cursor, 500)));
  return changes;
}

test('whatever was committed, the answer tells what a reader would be told', async () => {
  const account = await createAccount(env);
  const mail = openMail(env, account);
  await deliverMany(env, account, 6);
  const place = { mailbox: INBOX, uids: [1, 2] };
  await compare(mail, [{ op: 'store', ...place, add: ['$seen', 'Work'], deleted: true }]);
  await compare(mail, [{ op: 'copy', ...place, to: ARCHIVE }]);
  await compare(mail, [{ op: 'expunge', ...place }]);
  await compare(mail, [{ op: 'move', mailbox: INBOX, uids: [3], to: ARCHIVE }]);
  const odd = new TextEncoder().encode('Subject: =?utf-8?q?caf=C3=A9?= \u0000 \u00e9\r\nTo: a@b\r\n\r\nBody \u0000 \ud83d\ude00\r\n');
  const born = await compare(mail, [await append(mail, rawMessage({ subject: 'New' })), await append(mail, odd)]);
  expect(born.emails.map(({ index }) => index?.sha256)).not.toContain(undefined);
  const made = await compare(mail, [{ op: 'createMailbox', parent: null, name: 'Made' }]);
  const [{ id } = { id: 0 }] = made.mailboxes;
  await compare(mail, [{ op: 'copy', mailbox: INBOX, uids: [4], to: id }]);
  await compare(mail, [{ op: 'destroyMailbox', mailbox: id, expungeEmails: true }]);
  await compare(mail, [{ op: 'setMetadata', mailbox: INBOX, entries: [['/private/comment', 'x']] }]);
  await compare(mail, [{ op: 'store', mailbox: INBOX, uids: [999], add: ['$seen'] }]);
  await compare(mail, [
    { op: 'createMailbox', parent: null, name: 'Short' },
    { op: 'destroyMailbox', mailbox: id + 1 },
  ]);
});

test('who does not know everything is told the rest as well', async () => {
  const account = await createAccount(env);
  const mail = openMail(env, account);
  const [first, second, third] = await deliverMany(env, account, 3);
  const { cursor } = await mail.changes('', 500);
  await mail.apply([{ op: 'store', mailbox: INBOX, uids: [1], add: ['$flagged'] }]);
  const operations: Operation[] = [{ op: 'store', mailbox: INBOX, uids: [2], add: ['$seen'] }];
  const { changes } = await mail.commit({ id: 'behind-the-times', since: cursor, operations });
  expect(changes.emails.map(({ id }) => id)).toEqual([first, second]);
  expect(changes.emails.map(({ id }) => id)).not.toContain(third);
});

test('a flag reads the message once: nothing is read of the page', async () => {
  const account = await createAccount(env);
  const mail = openMail(env, account);
  await deliverMany(env, account, 200);
  const { cursor } = await mail.changes('', 500);
  const flag = (uids: number[], since: string, id: string) =>
    cost(env.MAIL_0, () => mail.commit({ id, since, operations: [{ op: 'store', mailbox: INBOX, uids, add: ['$seen'] }] }));
  const known = await flag([1], cursor, 'knows-everything');
  const behind = await flag([2], cursor, 'knows-less-now');
  expect(known.queries).toBeLessThan(behind.queries);
});
