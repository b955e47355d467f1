/**
 * Accounts of 10,000 and 100,000 messages, written straight into the index by SQL in seconds: five years of mail in one mailbox, 3 %
 * unread, conversations of three, every 50th message in the archive too, and words that are in all, in 30 % and in 1 %.
 */
import { accountText, toIndexText } from '../../shared/search.ts';
import type { Env } from '../../workers/env.ts';
import { keyOf, keyRange } from '../../workers/store/mail/keys.ts';
import { EMAIL_COLUMNS } from '../../workers/store/mail/statements.ts';
import { hourSql, textRow } from '../../workers/store/mail/text-rows.ts';
import type { Account } from '../../workers/store/mail/types.ts';
import { createAccount, mailboxOf } from './mail.ts';

/** Messages per statement. */
const CHUNK = 5000;
const YEARS_5 = 5 * 365 * 86_400_000;
const BEGINNING = Date.UTC(2021, 10, 1);

/** Every n-th message has the words; the first is in all of them. */
export const WORDS: readonly [every: number, words: string][] = [
  [1, 'number of the message'],
  [3, 'third'],
  [100, 'seldom'],
  [101, '明天的天气预报'],
  [102, 'crème brûlée'],
];
const UNREAD_EVERY = 33;
const ARCHIVED_EVERY = 50;
const THREAD = 3;

export interface LargeAccount {
  account: Account;
  inbox: number;
  archive: number;
  count: number;
}

/** Makes an account with `count` messages; ids are 1 to `count`, the newest last. */
export async function createLargeAccount(env: Env, count: number): Promise<LargeAccount> {
  const account = await createAccount(env);
  const [inbox, archive] = [await mailboxOf(env, account, 'inbox'), await mailboxOf(env, account, 'archive')];
  const large = { account, inbox, archive, count };
  for (let first = 1; first <= count; first += CHUNK)
    await env.MAIL_0.batch(statements(env, large, first, Math.min(count, first + CHUNK - 1)));
  await env.MAIL_0.batch(counters(env, large));
  return large;
}

function statements(env: Env, { account, inbox, archive, count }: LargeAccount, first: number, last: number): D1PreparedStatement[] {
  const [base] = keyRange(account.id);
  const date = `(${BEGINNING} + i * ${Math.floor(YEARS_5 / count)})`;
  const thread = `(${base} + i - (i + ${THREAD - 1}) % ${THREAD})`;
  const unseen = `(i % ${UNREAD_EVERY} = 0)`;
  const archived = `(i % ${ARCHIVED_EVERY} = 0)`;
  const row: Record<string, string> = {
    key: `${base} + i`,
    account: `${account.id}`,
    thread,
    receivedAt: date,
    sentAt: date,
    live: '1',
    destroyedModseq: 'NULL',
    size: '1000 + i % 5000',
    hasAttachment: 'i % 10 = 0',
    sha256: "printf('%064d', i)",
    keywords: `CASE WHEN ${unseen} THEN '[]' ELSE '["$seen"]' END`,
    mailboxes: `CASE WHEN ${archived} THEN '[${inbox},${archive}]' ELSE '[${inbox}]' END`,
    placements: `'[[${inbox},' || i || ',0,0,1]' || CASE WHEN ${archived} THEN ',[${archive},' || i || ',0,0,1]' ELSE '' END || ']'`,
    sortFrom: "'ann' || i % 100",
    sortTo: "'me'",
    sortSubject: "'message ' || i",
    source: 'NULL',
    verdicts: 'NULL',
    subject: "'Message ' || i",
    preview: "'Body number ' || i",
    headers: "'Subject: Message ' || i || char(13, 10)",
    structure: `'{"headerStart":0,"bodyStart":100,"end":1000,"lines":20,"type":"text","subtype":"plain","parameters":[],"encoding":"7bit"}'`,
  };
  const words = WORDS.map(
    ([every, words]) => `CASE WHEN i % ${every} = 0 THEN ' ${accountText(account.id, toIndexText(words))}' ELSE '' END`,
  );
  const subject = `'${accountText(account.id, 'message')} ${accountText(account.id, 'n')}' || i`;
  const place = (mailbox: number) => `${keyOf(account.id, mailbox)}, i, ${base} + i, ${thread}, ${date}, ${unseen}, 1`;
  const run = (sql: string) => env.MAIL_0.prepare(sql.replace('NUMBERS', NUMBERS)).bind(first, last);
  const texts = `SELECT ${textRow(account.id, hourSql(date), 'i')}, ${subject}, ${words.join(' || ')} FROM n`;
  return [
    run(
      `NUMBERS INSERT INTO email (${EMAIL_COLUMNS.join(', ')}) SELECT ${EMAIL_COLUMNS.map((name) => row[name] ?? '1').join(', ')} FROM n`,
    ),
    run(`NUMBERS INSERT INTO email_text (rowid, subject, body) ${texts}`),
    run(`NUMBERS INSERT INTO placement SELECT ${place(inbox)} FROM n`),
    run(`NUMBERS INSERT INTO placement SELECT ${place(archive)} FROM n WHERE ${archived}`),
  ];
}

const NUMBERS = 'WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)';

function counters(env: Env, { account, count }: LargeAccount): D1PreparedStatement[] {
  const seen = `instr(e.keywords, '"$seen"') > 0`;
  const mailbox = `WITH c AS (SELECT p.mailbox AS mailbox, COUNT(*) AS emails, SUM(p.unseen) AS unseen, COUNT(DISTINCT p.thread) AS threads,
      COUNT(DISTINCT CASE WHEN EXISTS (SELECT 1 FROM email e WHERE e.thread = p.thread AND NOT ${seen}) THEN p.thread END) AS unreadThreads
      FROM placement p WHERE p.mailbox BETWEEN ?1 AND ?2 GROUP BY p.mailbox)
    UPDATE mailbox SET messages = c.emails, emails = c.emails, unseen = c.unseen, unread = c.unseen, threads = c.threads,
      unreadThreads = c.unreadThreads, uidnext = ?3 + 1 FROM c WHERE c.mailbox = mailbox.key`;
  return [
    env.MAIL_0.prepare(mailbox).bind(...keyRange(account.id), count),
    env.MAIL_0.prepare(
      'UPDATE account SET nextEmail = ?2 + 1, messages = ?2, emailModseq = modseq, threadModseq = modseq, octets = (SELECT SUM(size) FROM email WHERE account = ?1) WHERE id = ?1',
    ).bind(account.id, count),
  ];
}
