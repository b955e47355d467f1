/**
 * Random operations, some of them at the same time: counters equal a recount, the tables agree with each other, and whoever
 * follows the feed or JMAP's `/changes` ends with what the store has (DESIGN.md, invariants 1 and 4).
 */
import { env } from 'cloudflare:test';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ChangesPage } from '../../../shared/protocol.ts';
import { deliver, openMail } from '../../../workers/store/mail/index.ts';
import type { AppliedOperation } from '../../../workers/store/mail/operations/applied.ts';
import type { Account, MailStore, TypeChanges } from '../../../workers/store/mail/types.ts';
import { createAccount, makeDelivery, rawMessage } from '../../support/mail.ts';
import { contradictions, recount } from '../../support/recount.ts';

const MAILBOXES = [1, 2, 3, 4, 5, 6, 7];
const mailbox = fc.constantFrom(...MAILBOXES);
const ids = fc.uniqueArray(fc.integer({ min: 1, max: 14 }), { minLength: 1, maxLength: 5 });
const keywords = fc.uniqueArray(fc.constantFrom('$seen', '$draft', '$flagged', 'work'), { maxLength: 3 });
const reply = fc.option(fc.integer({ min: 0, max: 6 }), { nil: null });

type Step = { deliver: { id: number; reply: number | null } } | { apply: AppliedOperation[] };

const operation: fc.Arbitrary<AppliedOperation> = fc.oneof(
  fc.record({ op: fc.constant('store' as const), mailbox, uids: ids, add: keywords, remove: keywords }),
  fc.record({ op: fc.constant('store' as const), mailbox, uids: ids, replace: keywords, unchangedSince: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ op: fc.constant('store' as const), mailbox, uids: ids, add: keywords, deleted: fc.boolean() }),
  fc.record({ op: fc.constant('copy' as const), mailbox, uids: ids, to: mailbox }),
  fc.record({ op: fc.constant('move' as const), mailbox, uids: ids, to: mailbox }),
  fc.record({ op: fc.constant('expunge' as const), mailbox, uids: ids }),
  fc.record({
    op: fc.constant('updateEmails' as const),
    changes: fc.array(
      fc.record(
        {
          email: fc.integer({ min: 1, max: 14 }),
          mailboxes: fc.record({ add: fc.uniqueArray(mailbox, { maxLength: 2 }), remove: fc.uniqueArray(mailbox, { maxLength: 2 }) }),
          keywords: fc.record({ add: keywords, remove: keywords }),
        },
        { requiredKeys: ['email'] },
      ),
      { maxLength: 3 },
    ),
  }),
  fc.record({ op: fc.constant('destroyEmails' as const), emails: fc.uniqueArray(fc.integer({ min: 1, max: 14 }), { maxLength: 2 }) }),
  fc.record({ op: fc.constant('createMailbox' as const), parent: fc.constantFrom(null, 1, 4), name: fc.constantFrom('A', 'B') }),
  fc.record({
    op: fc.constant('updateMailbox' as const),
    mailbox,
    name: fc.constantFrom('A', 'B', 'C'),
    parent: fc.constantFrom(null, 4, 7),
  }),
  fc.record({ op: fc.constant('updateMailbox' as const), mailbox: fc.constantFrom(4, 6, 7), role: fc.constantFrom(null, 'trash') }),
  fc.record({ op: fc.constant('destroyMailbox' as const), mailbox, expungeEmails: fc.boolean() }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ deliver: fc.record({ id: fc.integer({ min: 0, max: 6 }), reply }) }) },
  { weight: 5, arbitrary: fc.record({ apply: fc.array(operation, { minLength: 1, maxLength: 3 }) }) },
);
const rounds = fc.array(fc.array(step, { minLength: 1, maxLength: 2 }), { minLength: 3, maxLength: 14 });

async function run(account: Account, step: Step): Promise<void> {
  if ('apply' in step) {
    await openMail(env, account).apply(step.apply);
    return;
  }
  const { id, reply } = step.deliver;
  const raw = rawMessage({ messageId: `p${id}@x`, inReplyTo: reply === null ? undefined : `p${reply}@x` });
  await deliver(env, [{ account, delivery: await makeDelivery(env, account, raw) }]);
}

/** A mirror as a receiver keeps it. */
class Mirror {
  readonly mailboxes = new Map<number, string>();
  readonly placements = new Map<string, string>();
  readonly keywords = new Map<number, string>();
  #cursor = '';

  async follow(mail: MailStore, limit: number): Promise<void> {
    for (let page: ChangesPage | null = null; !page || page.more; ) {
      page = await mail.changes(this.#cursor, limit);
      expect(page.reset).toBe(false);
      this.#apply(page);
      this.#cursor = page.cursor;
    }
  }

  #apply({ mailboxes, emails }: ChangesPage): void {
    for (const { id, destroyed, name, parent, uidnext } of mailboxes) {
      if (destroyed) this.mailboxes.delete(id);
      else this.mailboxes.set(id, `${parent}/${name}/${uidnext}`);
    }
    for (const { id, keywords, placements, index, destroyed } of emails) {
      if (index || this.keywords.has(id)) this.keywords.set(id, keywords.join());
      if (destroyed) this.keywords.delete(id);
      for (const { mailbox, uid, deleted, expunged } of placements) {
        if (expunged) this.placements.delete(`${mailbox}:${uid}`);
        else this.placements.set(`${mailbox}:${uid}`, `${id}/${deleted}`);
      }
    }
  }
}

/** What a JMAP client knows from `/changes` alone. */
class Known {
  readonly ids = new Set<number>();
  readonly #read: (since: string, max: number) => Promise<TypeChanges | null>;
  #state: string;

  constructor(read: (since: string, max: number) => Promise<TypeChanges | null>, state: string) {
    this.#read = read;
    this.#state = state;
  }

  async follow(max: number): Promise<void> {
    for (let changes: TypeChanges | null = null; !changes || changes.hasMore; ) {
      changes = await this.#read(this.#state, max);
      if (!changes) throw new Error('cannot calculate changes');
      for (const id of changes.updated) expect(this.ids.has(id), `updated ${id} was unknown`).toBe(true);
      for (const id of changes.created) this.ids.add(id);
      for (const id of changes.destroyed) this.ids.delete(id);
      this.#state = changes.newState;
    }
  }
}

test('counters, tables, feed and changes stay right under random and simultaneous operations', async () => {
  await fc.assert(
    fc.asyncProperty(rounds, fc.integer({ min: 1, max: 5 }), async (rounds, pageSize) => {
      const account = await createAccount(env);
      const mail = openMail(env, account);
      const { Email, Thread } = await mail.states();
      const mirror = new Mirror();
      const emails = new Known((since, max) => mail.emailChanges(since, max), Email);
      const threads = new Known((since, max) => mail.threadChanges(since, max), Thread);
      for (const steps of rounds) {
        await Promise.all(steps.map((step) => run(account, step)));
        if (steps.length === 2) await Promise.all([mirror.follow(mail, pageSize), emails.follow(pageSize), threads.follow(pageSize)]);
      }
      await Promise.all([mirror.follow(mail, pageSize), emails.follow(pageSize), threads.follow(pageSize)]);
      const mailboxes = await mail.mailboxes();
      const kept = mailboxes.map(({ id, messages, unseen, emails, unread, threads, unreadThreads }) => ({
        id,
        messages,
        unseen,
        emails,
        unread,
        threads,
        unreadThreads,
      }));
      expect(kept).toEqual(await recount(env, account, mailboxes));
      expect(await contradictions(env, account)).toEqual([]);
      const truth = await snapshot(account);
      expect(Object.fromEntries(mirror.placements)).toEqual(truth.placements);
      expect(Object.fromEntries(mirror.keywords)).toEqual(truth.keywords);
      expect([...mirror.mailboxes.keys()].sort()).toEqual(mailboxes.map(({ id }) => id).sort());
      expect([...emails.ids].sort(byNumber)).toEqual(truth.live);
      expect([...threads.ids].sort(byNumber)).toEqual(truth.threads);
    }),
    { numRuns: 40 },
  );
}, 120_000);

const byNumber = (a: number, b: number) => a - b;

async function snapshot(account: Account) {
  const sql =
    'SELECT key % 4294967296 AS id, thread % 4294967296 AS thread, live, keywords, placements FROM email WHERE account = ?1 AND gone = 0';
  const { results } = await env.MAIL_0.prepare(sql)
    .bind(account.id)
    .run<{ id: number; thread: number; live: number; keywords: string; placements: string }>();
  const placements: Record<string, string> = {};
  for (const { id, placements: text } of results) {
    for (const tuple of JSON.parse(text) as number[][])
      if (tuple.length < 6) placements[`${tuple[0]}:${tuple[1]}`] = `${id}/${tuple[3] === 1}`;
  }
  const live = results.filter((row) => row.live === 1);
  return {
    placements,
    keywords: Object.fromEntries(results.map(({ id, keywords }) => [id, (JSON.parse(keywords) as string[]).join()])),
    live: live.map(({ id }) => id).sort(byNumber),
    threads: [...new Set(live.map(({ thread }) => thread))].sort(byNumber),
  };
}
