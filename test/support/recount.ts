/**
 * The naive truth about an account's index, to compare the kept counters and tables with: counted from the emails'
 * placements and keywords alone, by the rules of RFC 8621 §2 and RFC 9051 §6.3.11, without sharing code with the store.
 */
import type { Env } from '../../workers/env.ts';
import type { Account, MailboxRow } from '../../workers/store/mail/types.ts';

const SPAN = 2 ** 32;

interface Stored {
  key: number;
  thread: number;
  gone: number;
  live: number;
  size: number;
  keywords: string;
  mailboxes: string;
  placements: string;
}

interface Counted {
  id: number;
  thread: number;
  size: number;
  keywords: string[];
  mailboxes: string;
  /** [mailbox, uid, deleted] of present placements. */
  places: [number, number, boolean][];
}

export type MailboxCounts = Pick<MailboxRow, 'id' | 'messages' | 'unseen' | 'emails' | 'unread' | 'threads' | 'unreadThreads'>;

async function readAll(env: Env, account: Account): Promise<Counted[]> {
  const sql = 'SELECT key, thread, gone, live, size, keywords, mailboxes, placements FROM email WHERE account = ?1 AND gone = 0';
  const { results } = await env.MAIL_0.prepare(sql).bind(account.id).run<Stored>();
  return results.map((row) => {
    const tuples = JSON.parse(row.placements) as [number, number, number, number, number, number?][];
    const places = tuples
      .filter((tuple) => tuple.length < 6)
      .map(([mailbox, uid, , deleted]): [number, number, boolean] => [mailbox, uid, deleted === 1]);
    return {
      mailboxes: row.mailboxes,
      id: row.key % SPAN,
      thread: row.thread % SPAN,
      size: row.size,
      keywords: JSON.parse(row.keywords) as string[],
      places,
    };
  });
}

/** Counters of every mailbox, counted anew. */
export async function recount(env: Env, account: Account, mailboxes: readonly MailboxRow[]): Promise<MailboxCounts[]> {
  const emails = await readAll(env, account);
  const trash = mailboxes.find(({ role }) => role === 'trash')?.id;
  const livesIn = (email: Counted) => new Set(email.places.filter(([, , deleted]) => !deleted).map(([mailbox]) => mailbox));
  const isUnread = ({ keywords }: Counted) => !keywords.includes('$seen') && !keywords.includes('$draft');
  return mailboxes.map(({ id }) => {
    const placed = emails.flatMap((email) => email.places.filter(([mailbox]) => mailbox === id).map(() => email));
    const inside = emails.filter((email) => livesIn(email).has(id));
    const threads = new Set(inside.map(({ thread }) => thread));
    const counts = (email: Counted) => (id === trash ? livesIn(email).has(id) : [...livesIn(email)].some((mailbox) => mailbox !== trash));
    const unreadThreads = [...threads].filter((thread) =>
      emails.some((email) => email.thread === thread && isUnread(email) && counts(email)),
    );
    return {
      id,
      messages: placed.length,
      unseen: placed.filter(({ keywords }) => !keywords.includes('$seen')).length,
      emails: inside.length,
      unread: inside.filter(isUnread).length,
      threads: threads.size,
      unreadThreads: unreadThreads.length,
    };
  });
}

/** Contradictions between the tables of one account; none when all is well. */
export async function contradictions(env: Env, account: Account): Promise<string[]> {
  const emails = await readAll(env, account);
  const wrong: string[] = [];
  const wanted = new Map<string, string>();
  for (const { id, thread, keywords, places } of emails) {
    for (const [mailbox, uid] of places) {
      const listed = places.find(([other, , deleted]) => other === mailbox && !deleted)?.[1] === uid;
      wanted.set(`${mailbox}:${uid}`, `${id}/${thread}/${keywords.includes('$seen') ? 0 : 1}/${listed ? 1 : 0}`);
    }
  }
  const [first, last] = [account.id * SPAN, (account.id + 1) * SPAN - 1];
  const { results } = await env.MAIL_0.prepare('SELECT * FROM placement WHERE mailbox BETWEEN ?1 AND ?2')
    .bind(first, last)
    .run<{ mailbox: number; uid: number; email: number; thread: number; unseen: number; listed: number }>();
  for (const row of results) {
    const name = `${row.mailbox % SPAN}:${row.uid}`;
    const found = `${row.email % SPAN}/${row.thread % SPAN}/${row.unseen}/${row.listed}`;
    if (wanted.get(name) !== found) wrong.push(`placement ${name} is ${found}, should be ${wanted.get(name)}`);
    wanted.delete(name);
  }
  for (const name of wanted.keys()) wrong.push(`placement ${name} is missing`);
  const marks = await env.MAIL_0.prepare("SELECT key FROM email WHERE account = ?1 AND live <> (mailboxes <> '[]')")
    .bind(account.id)
    .run<{ key: number }>();
  for (const { key } of marks.results) wrong.push(`live of email ${key % SPAN} contradicts its mailboxes`);
  for (const email of emails) {
    const text = JSON.stringify(
      [...new Set(email.places.filter(([, , deleted]) => !deleted).map(([mailbox]) => mailbox))].sort((a, b) => a - b),
    );
    if (email.mailboxes !== text) wrong.push(`memberships of email ${email.id} are ${email.mailboxes}, should be ${text}`);
  }
  const kept = await env.MAIL_0.prepare('SELECT octets, messages FROM account WHERE id = ?1')
    .bind(account.id)
    .first<{ octets: number; messages: number }>();
  const octets = emails.reduce((sum, { size }) => sum + size, 0);
  if (kept?.octets !== octets) wrong.push(`octets ${kept?.octets}, should be ${octets}`);
  if (kept?.messages !== emails.length) wrong.push(`messages ${kept?.messages}, should be ${emails.length}`);
  const texts = await env.MAIL_0.prepare('SELECT COUNT(*) AS count FROM email_text WHERE (rowid >> 44) & 1048575 = ?1')
    .bind(account.id)
    .first<{ count: number }>();
  if (texts?.count !== emails.length) wrong.push(`full text holds ${texts?.count}, should hold ${emails.length}`);
  return wrong;
}
