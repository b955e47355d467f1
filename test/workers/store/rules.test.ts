/** What operations mean, rule by rule: `\Deleted`, copies, memberships, mailboxes, keywords, quota, Sent, threads. */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, test } from 'vitest';
import type { MessageIndex } from '../../../shared/mime/index-types.ts';
import { THREAD_EMAILS_MAX } from '../../../shared/threads.ts';
import { openMail } from '../../../workers/store/mail/index.ts';
import type { AppliedOperation } from '../../../workers/store/mail/operations/applied.ts';
import { type Account, type MailStore, StateMismatch } from '../../../workers/store/mail/types.ts';
import { createAccount, deliverMany, deliverRaw, emailOf, mailboxOf, putMessage, rawMessage } from '../../support/mail.ts';
import { recount } from '../../support/recount.ts';

const [INBOX, SENT, ARCHIVE, TRASH] = [1, 3, 4, 6];

let account: Account;
let mail: MailStore;
beforeEach(async () => {
  account = await createAccount(env);
  mail = openMail(env, account);
});

async function counts(mailbox: number) {
  const row = (await mail.mailboxes()).find(({ id }) => id === mailbox);
  if (!row) throw new Error(`no mailbox ${mailbox}`);
  const { messages, unseen, emails, unread, threads, unreadThreads } = row;
  return { messages, unseen, emails, unread, threads, unreadThreads };
}

async function append(mailbox: number, raw: Uint8Array): Promise<AppliedOperation> {
  const { sha256, index } = await putMessage(env, account, raw);
  return { op: 'append', mailbox, sha256, inline: 0, index, keywords: ['$seen'], receivedAt: 5000 };
}

test('EmailDelivery moves with every email that is added, however it came, and with nothing else', async () => {
  const { EmailDelivery: before } = await mail.states();
  await mail.apply([await append(ARCHIVE, rawMessage())]);
  const { EmailDelivery: after, Email } = await mail.states();
  expect([after === before, after]).toEqual([false, Email]);
  await mail.apply([{ op: 'store', mailbox: INBOX, uids: [1], add: ['$flagged'] }]);
  expect((await mail.states()).EmailDelivery).toBe(after);
});

describe('\\Deleted', () => {
  test('a message marked so is counted by IMAP and not by JMAP, which sees it destroyed', async () => {
    const id = await deliverRaw(env, account, rawMessage());
    const { Email } = await mail.states();
    await mail.apply([{ op: 'store', mailbox: INBOX, uids: [1], deleted: true }]);
    expect(await counts(INBOX)).toEqual({ messages: 1, unseen: 1, emails: 0, unread: 0, threads: 0, unreadThreads: 0 });
    expect(await mail.emails([id])).toEqual([]);
    expect(await mail.threads([id])).toEqual(new Map());
    expect(await mail.emailChanges(Email, 10)).toMatchObject({ created: [], updated: [], destroyed: [id] });
    expect(await mail.threadChanges(Email, 10)).toMatchObject({ destroyed: [id] });
  });

  test('clearing it creates the email again', async () => {
    const id = await deliverRaw(env, account, rawMessage());
    await mail.apply([{ op: 'store', mailbox: INBOX, uids: [1], deleted: true }]);
    const { Email } = await mail.states();
    await mail.apply([{ op: 'store', mailbox: INBOX, uids: [1], deleted: false }]);
    expect(await mail.emailChanges(Email, 10)).toMatchObject({ created: [id], destroyed: [] });
    expect(await counts(INBOX)).toMatchObject({ messages: 1, emails: 1, threads: 1 });
  });

  test('in one of two mailboxes it only ends that membership', async () => {
    const id = await deliverRaw(env, account, rawMessage());
    await mail.apply([{ op: 'copy', mailbox: INBOX, uids: [1], to: ARCHIVE }]);
    const { Email } = await mail.states();
    await mail.apply([{ op: 'store', mailbox: INBOX, uids: [1], deleted: true }]);
    expect((await emailOf(env, account, id)).mailboxes).toEqual([ARCHIVE]);
    expect(await mail.emailChanges(Email, 10)).toMatchObject({ updated: [id], destroyed: [] });
  });

  test('expunge takes only what is marked', async () => {
    await deliverMany(env, account, 2);
    await mail.apply([
      { op: 'store', mailbox: INBOX, uids: [1], deleted: true },
      { op: 'expunge', mailbox: INBOX, uids: [1, 2] },
    ]);
    expect(await counts(INBOX)).toMatchObject({ messages: 1, emails: 1 });
    expect(await mail.usage()).toMatchObject({ messages: 1 });
  });
});

test('an email created and destroyed since a state appears nowhere', async () => {
  const { Email, Thread } = await mail.states();
  const id = await deliverRaw(env, account, rawMessage());
  await mail.apply([{ op: 'destroyEmails', emails: [id] }]);
  expect(await mail.emailChanges(Email, 10)).toMatchObject({ created: [], updated: [], destroyed: [] });
  expect(await mail.threadChanges(Thread, 10)).toMatchObject({ created: [], updated: [], destroyed: [] });
});

test('a copy within one mailbox is a second placement, one email to JMAP, listed once', async () => {
  const id = await deliverRaw(env, account, rawMessage());
  expect(await mail.apply([{ op: 'copy', mailbox: INBOX, uids: [1], to: INBOX }])).toEqual([{ ok: true, uids: [[1, 2]] }]);
  expect(await counts(INBOX)).toMatchObject({ messages: 2, unseen: 2, emails: 1, unread: 1, threads: 1 });
  const query = { filter: { inMailbox: INBOX }, sort: [], collapseThreads: false, position: 0, limit: 9, calculateTotal: true };
  expect(await mail.query(query)).toEqual({ ids: [id], position: 0, total: 1 });
});

test('copy and move answer with pairs of uids in the order asked, and leave out what is gone', async () => {
  await deliverMany(env, account, 3);
  const results = await mail.apply([
    { op: 'copy', mailbox: INBOX, uids: [3, 9, 1], to: ARCHIVE },
    { op: 'move', mailbox: INBOX, uids: [2], to: ARCHIVE },
  ]);
  expect(results).toEqual([
    {
      ok: true,
      uids: [
        [3, 1],
        [1, 2],
      ],
    },
    { ok: true, uids: [[2, 3]] },
  ]);
  expect(await counts(INBOX)).toMatchObject({ messages: 2 });
});

test('destroying an email destroys its text and its octets', async () => {
  const id = await deliverRaw(env, account, rawMessage({ body: 'unmistakable' }));
  await mail.apply([{ op: 'destroyEmails', emails: [id] }]);
  expect(await mail.usage()).toMatchObject({ octets: 0, messages: 0 });
  const query = { filter: { text: 'unmistakable' }, sort: [], collapseThreads: false, position: 0, limit: 9, calculateTotal: false };
  expect(await mail.query(query)).toMatchObject({ ids: [] });
  expect(await mail.apply([{ op: 'updateEmails', changes: [{ email: id, mailboxes: { add: [ARCHIVE], remove: [] } }] }])).toEqual([
    { ok: true, modified: [id] },
  ]);
});

test('no update leaves an email in no mailbox, even when two that would both be right come at once', async () => {
  const id = await deliverRaw(env, account, rawMessage({}));
  await mail.apply([{ op: 'copy', mailbox: INBOX, uids: [1], to: ARCHIVE }]);
  const leave = (mailbox: number) =>
    mail.apply([
      { op: 'updateEmails', changes: [{ email: id, mailboxes: { add: [], remove: [mailbox] }, keywords: { add: ['x'], remove: [] } }] },
    ]);
  const results = (await Promise.all([leave(INBOX), leave(ARCHIVE)])).flat();
  expect(results.filter(({ ok }) => ok)).toHaveLength(1);
  expect(results.find(({ ok }) => !ok)).toMatchObject({ error: 'invalid' });
  expect((await mail.emails([id]))[0]?.mailboxes).toHaveLength(1);
});

test('keywords and mailboxes of an update change together or not at all, and their limits hold whatever was there', async () => {
  const id = await deliverRaw(env, account, rawMessage({}));
  const many = Array.from({ length: 64 }, (_, index) => `k${index}`);
  const change = async (keywords: string[], mailboxes: number[]) => {
    const [result] = await mail.apply([
      { op: 'updateEmails', changes: [{ email: id, mailboxes: { add: mailboxes, remove: [] }, keywords: { add: keywords, remove: [] } }] },
    ]);
    return result;
  };
  expect(await change(many, [])).toEqual({ ok: true });
  expect(await change(['one-more'], [ARCHIVE])).toMatchObject({ ok: false, error: 'tooLarge' });
  expect(await change([], [ARCHIVE, 999])).toMatchObject({ ok: false, error: 'notFound' });
  expect((await mail.emails([id]))[0]).toMatchObject({ mailboxes: [INBOX], keywords: many.sort() });
});

test('a trash thread counts for the trash, and what is only there counts nowhere else', async () => {
  const [first = 0, second = 0] = await deliverMany(env, account, 2, (index) => ({
    messageId: `t${account.id}-${index}@x`,
    inReplyTo: `t${account.id}-0@x`,
  }));
  await mail.apply([{ op: 'store', mailbox: INBOX, uids: [first], add: ['$seen'] }]);
  expect(await counts(INBOX)).toMatchObject({ threads: 1, unreadThreads: 1, unread: 1 });
  await mail.apply([{ op: 'updateEmails', changes: [{ email: second, mailboxes: { add: [TRASH], remove: [INBOX] } }] }]);
  expect(await counts(INBOX)).toMatchObject({ threads: 1, unreadThreads: 0, unread: 0 });
  expect(await counts(TRASH)).toMatchObject({ threads: 1, unreadThreads: 1, unread: 1 });
  await mail.apply([{ op: 'updateMailbox', mailbox: TRASH, role: null }]);
  expect(await counts(INBOX)).toMatchObject({ unreadThreads: 1 });
  const mailboxes = await mail.mailboxes();
  expect((await recount(env, account, mailboxes)).map(({ unreadThreads }) => unreadThreads)).toEqual(
    mailboxes.map(({ unreadThreads }) => unreadThreads),
  );
});

test('an unread reply in another mailbox makes the thread unread here', async () => {
  const [, second = 0] = await deliverMany(env, account, 2, (index) => ({
    messageId: `u${account.id}-${index}@x`,
    inReplyTo: `u${account.id}-0@x`,
  }));
  await mail.apply([
    { op: 'updateEmails', changes: [{ email: second, mailboxes: { add: [ARCHIVE], remove: [INBOX] } }] },
    { op: 'store', mailbox: INBOX, uids: [second - 1], add: ['$seen'] },
  ]);
  expect(await counts(INBOX)).toMatchObject({ unread: 0, unreadThreads: 1 });
});

test('UNCHANGEDSINCE holds back what changed after it, and only that', async () => {
  const [first = 0, second = 0] = await deliverMany(env, account, 2);
  const { modseq } = await mail.states();
  await mail.apply([{ op: 'store', mailbox: INBOX, uids: [first], add: ['$flagged'] }]);
  const results = await mail.apply([{ op: 'store', mailbox: INBOX, uids: [1, 2], add: ['$seen'], unchangedSince: modseq }]);
  expect(results).toEqual([{ ok: true, modified: [1] }]);
  expect([(await emailOf(env, account, first)).keywords, (await emailOf(env, account, second)).keywords]).toEqual([
    ['$flagged'],
    ['$seen'],
  ]);
});

test('UNCHANGEDSINCE gives a message keywords and \\Deleted, or neither', async () => {
  const [first = 0, second = 0] = await deliverMany(env, account, 2);
  const { modseq } = await mail.states();
  await mail.apply([{ op: 'store', mailbox: INBOX, uids: [1], deleted: true }]);
  await mail.apply([{ op: 'store', mailbox: INBOX, uids: [1], deleted: false }]);
  const both = { op: 'store' as const, mailbox: INBOX, uids: [1, 2], add: ['$seen'], deleted: true };
  expect(await mail.apply([{ ...both, unchangedSince: modseq }])).toEqual([{ ok: true, modified: [1] }]);
  const { emails } = await mail.changes('', 500);
  const flags = emails.map(({ id, keywords, placements }) => [id, keywords, placements[0]?.deleted]);
  expect(flags).toEqual([
    [first, [], false],
    [second, ['$seen'], true],
  ]);
});

test('a message that cannot have its keywords keeps its \\Deleted as well', async () => {
  await deliverMany(env, account, 1);
  const many = Array.from({ length: 65 }, (_value, index) => `k${index}`);
  const tooMany = { op: 'store' as const, mailbox: INBOX, uids: [1], add: many, deleted: true };
  expect(await mail.apply([tooMany])).toMatchObject([{ ok: false, error: 'tooLarge' }]);
  expect(await counts(INBOX)).toMatchObject({ messages: 1, emails: 1 });
});

test('setting what is set already moves no clock', async () => {
  const id = await deliverRaw(env, account, rawMessage(), { keywords: ['$seen'] });
  const before = await mail.states();
  await mail.apply([{ op: 'store', mailbox: INBOX, uids: [id], add: ['$seen'] }]);
  expect(await mail.states()).toEqual(before);
});

test('ifInState of another state changes nothing', async () => {
  const id = await deliverRaw(env, account, rawMessage());
  const { Email } = await mail.states();
  await mail.apply([{ op: 'store', mailbox: INBOX, uids: [id], add: ['$seen'] }]);
  const late = mail.apply([{ op: 'store', mailbox: INBOX, uids: [id], add: ['$flagged'] }], { ifInState: { type: 'Email', state: Email } });
  await expect(late).rejects.toThrow(StateMismatch);
  expect((await emailOf(env, account, id)).keywords).toEqual(['$seen']);
});

test('invariant 4: HIGHESTMODSEQ of a mailbox moves with its messages, properties with its name, counts with counts', async () => {
  await deliverRaw(env, account, rawMessage());
  const before = await mail.states();
  await mail.apply([{ op: 'store', mailbox: INBOX, uids: [1], add: ['$seen'] }]);
  expect(await mail.mailboxChanges(before.Mailbox, 10)).toMatchObject({ updated: [INBOX], countsOnly: true });
  const after = await mail.states();
  await mail.apply([{ op: 'updateMailbox', mailbox: ARCHIVE, name: 'Attic' }]);
  const changes = await mail.mailboxChanges(after.Mailbox, 10);
  expect(changes).toMatchObject({ updated: [ARCHIVE] });
  expect(changes).not.toHaveProperty('countsOnly');
  const [inbox, archive] = [INBOX, ARCHIVE].map((id) => mail.mailboxes().then((rows) => rows.find((row) => row.id === id)));
  expect((await inbox)?.highestModseq).toBe(after.modseq);
  expect((await archive)?.highestModseq).toBe(1);
  expect((await mail.states()).EmailDelivery).toBe(before.EmailDelivery);
});

describe('mailboxes', () => {
  const refusals: [string, AppliedOperation, object][] = [
    ['a sibling of the same name', { op: 'createMailbox', parent: null, name: 'Archive' }, { error: 'alreadyExists' }],
    ['INBOX in other letters', { op: 'createMailbox', parent: null, name: 'iNbOx' }, { error: 'alreadyExists' }],
    ['a role that is taken', { op: 'createMailbox', parent: null, name: 'X', role: 'sent' }, { error: 'alreadyExists' }],
    ['an unknown role', { op: 'createMailbox', parent: null, name: 'X', role: 'boss' }, { error: 'invalid' }],
    ['a control character', { op: 'createMailbox', parent: null, name: 'a\nb' }, { error: 'invalid' }],
    ['256 octets of name', { op: 'createMailbox', parent: null, name: 'é'.repeat(128) }, { error: 'invalid' }],
    ['a parent that does not exist', { op: 'createMailbox', parent: 77, name: 'X' }, { error: 'invalid' }],
    ['itself as parent', { op: 'updateMailbox', mailbox: ARCHIVE, parent: ARCHIVE }, { error: 'invalid' }],
    ['destroying the Inbox', { op: 'destroyMailbox', mailbox: INBOX, expungeEmails: true }, { error: 'forbidden' }],
    ["taking the Inbox's role", { op: 'updateMailbox', mailbox: INBOX, role: null }, { error: 'forbidden' }],
    ['one that does not exist', { op: 'destroyMailbox', mailbox: 77 }, { error: 'notFound' }],
  ];
  test.each(refusals)('%s is refused', async (_name, operation, expected) => {
    expect(await mail.apply([operation])).toMatchObject([{ ok: false, ...expected }]);
  });

  test('no circle of parents, not by two operations either', async () => {
    const results = await mail.apply([
      { op: 'updateMailbox', mailbox: ARCHIVE, parent: TRASH },
      { op: 'updateMailbox', mailbox: TRASH, parent: ARCHIVE },
    ]);
    expect(results).toMatchObject([{ ok: true }, { ok: false, error: 'invalid' }]);
  });

  test('a mailbox with mail is destroyed only when its mail may go; what lies elsewhere too stays', async () => {
    const [one = 0, two = 0] = await deliverMany(env, account, 2);
    await mail.apply([
      { op: 'copy', mailbox: INBOX, uids: [1], to: ARCHIVE },
      { op: 'move', mailbox: INBOX, uids: [2], to: ARCHIVE },
    ]);
    expect(await mail.apply([{ op: 'destroyMailbox', mailbox: ARCHIVE }])).toMatchObject([{ ok: false, error: 'mailboxHasEmail' }]);
    const { Mailbox } = await mail.states();
    expect(await mail.apply([{ op: 'destroyMailbox', mailbox: ARCHIVE, expungeEmails: true }])).toEqual([{ ok: true }]);
    expect((await mail.emails([one, two])).map(({ id }) => id)).toEqual([one]);
    expect(await mail.mailboxChanges(Mailbox, 10)).toMatchObject({ destroyed: [ARCHIVE] });
  });

  test('a mailbox of more messages than one change takes is emptied round by round and destroyed', async () => {
    await deliverMany(env, account, 1200);
    for (const start of [1, 1001]) {
      const uids = Array.from({ length: 1000 }, (_value, index) => start + index);
      await mail.apply([{ op: 'move', mailbox: INBOX, uids, to: ARCHIVE }]);
    }
    expect(await counts(ARCHIVE)).toMatchObject({ messages: 1200 });
    expect(await mail.apply([{ op: 'destroyMailbox', mailbox: ARCHIVE, expungeEmails: true }])).toEqual([{ ok: true }]);
    expect(await mail.usage()).toMatchObject({ octets: 0, messages: 0 });
  });
});

describe('quota and originals', () => {
  test('an append over quota is refused, one within it is stored', async () => {
    const raw = rawMessage();
    account = await createAccount(env, { quota: raw.length });
    mail = openMail(env, account);
    const operation = await append(ARCHIVE, raw);
    expect(await mail.apply([operation, operation])).toMatchObject([{ ok: true }, { ok: false, error: 'overQuota' }]);
  });

  test('invariant 2: nothing points to an original that is not in R2', async () => {
    const operation = { ...(await append(ARCHIVE, rawMessage())), sha256: 'c'.repeat(64) } as AppliedOperation;
    expect(await mail.apply([operation])).toMatchObject([{ ok: false, error: 'blobNotFound' }]);
  });
});

describe('Sent', () => {
  async function sentCopy(raw: Uint8Array): Promise<{ sha256: string; index: MessageIndex; receivedAt: number }> {
    return { ...(await putMessage(env, account, raw)), receivedAt: Date.now() };
  }

  test("a client's APPEND after the submission replaces our copy", async () => {
    const messageId = `s${account.id}@x`;
    const ours = await mail.addSent(await sentCopy(rawMessage({ messageId })));
    expect(ours.made).toBe(true);
    const [result] = await mail.apply([await append(SENT, rawMessage({ messageId, body: 'as the client has it' }))]);
    expect(result).toMatchObject({ ok: true, uids: [[0, 2]] });
    expect(await counts(SENT)).toMatchObject({ messages: 1, emails: 1 });
    expect(await mail.emails([ours.email])).toEqual([]);
  });

  test('when the APPEND came first, ours is not made', async () => {
    const messageId = `f${account.id}@x`;
    const [result] = await mail.apply([await append(SENT, rawMessage({ messageId }))]);
    const theirs = result?.ok ? result.id : undefined;
    expect(await mail.addSent(await sentCopy(rawMessage({ messageId })))).toEqual({ email: theirs, made: false });
    expect(await counts(SENT)).toMatchObject({ messages: 1 });
  });

  test('after ten minutes both stay', async () => {
    const messageId = `o${account.id}@x`;
    await mail.addSent(await sentCopy(rawMessage({ messageId })));
    await env.MAIL_0.prepare('UPDATE sent_copy SET at = at - 600001 WHERE account = ?1').bind(account.id).run();
    await mail.apply([await append(SENT, rawMessage({ messageId }))]);
    expect(await counts(SENT)).toMatchObject({ messages: 2 });
  });
});

describe('threads', () => {
  const thread = async (id: number) => (await emailOf(env, account, id)).thread;

  test('a reply joins, a reply that came first is joined, siblings of an unseen message meet', async () => {
    const reply = await deliverRaw(env, account, rawMessage({ messageId: 'b@x', inReplyTo: 'a@x', references: ['a@x'] }));
    const parent = await deliverRaw(env, account, rawMessage({ messageId: 'a@x' }));
    const sibling = await deliverRaw(env, account, rawMessage({ inReplyTo: 'c@x', references: ['a@x', 'c@x'] }));
    const other = await deliverRaw(env, account, rawMessage());
    expect(await Promise.all([reply, parent, sibling, other].map(thread))).toEqual([reply, reply, reply, other]);
  });

  test('In-Reply-To decides before References', async () => {
    const one = await deliverRaw(env, account, rawMessage({ messageId: 'one@x' }));
    const two = await deliverRaw(env, account, rawMessage({ messageId: 'two@x' }));
    const reply = await deliverRaw(env, account, rawMessage({ inReplyTo: 'two@x', references: ['one@x'] }));
    expect([await thread(one), await thread(reply)]).toEqual([one, two]);
  });

  test('a full thread takes no more, and what follows gathers in the next one', async () => {
    const ids = await deliverMany(env, account, THREAD_EMAILS_MAX + 20, (index) => ({
      messageId: `big${index}@x`,
      ...(index === 0 ? {} : { inReplyTo: `big${index % 7}@x`, references: ['big0@x', `big${index % 7}@x`] }),
    }));
    const sizes = [...(await mail.threads(await Promise.all(ids.map(thread))))].map(([, emails]) => emails.length);
    expect(sizes).toEqual([THREAD_EMAILS_MAX, 20]);
  });

  test('an account never joins the thread of another', async () => {
    const stranger = await createAccount(env);
    await deliverRaw(env, stranger, rawMessage({ messageId: 'shared@x' }));
    const id = await deliverRaw(env, account, rawMessage({ inReplyTo: 'shared@x' }));
    expect(await thread(id)).toBe(id);
  });
});

test("accounts are kept apart: another account's ids and uids match nothing", async () => {
  const stranger = await createAccount(env);
  const id = await deliverRaw(env, stranger, rawMessage());
  const theirs = await mailboxOf(env, stranger, 'inbox');
  expect(await mail.emails([id])).toEqual([]);
  expect(await mail.emails([2 ** 32 + id, -1, 0.5, Number.NaN])).toEqual([]);
  const results = await mail.apply([
    { op: 'destroyEmails', emails: [id] },
    { op: 'move', mailbox: theirs, uids: [1], to: TRASH },
  ]);
  expect(results).toEqual([
    { ok: true, modified: [id] },
    { ok: true, uids: [] },
  ]);
  expect(await openMail(env, stranger).emails([id])).toHaveLength(1);
});
