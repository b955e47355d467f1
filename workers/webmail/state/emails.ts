/**
 * Every email and thread this page has seen, in memory. The maps are changed in place and `revision` tells
 * whoever shows them: at most a screenful of rows redraws.
 */
import { signal } from '@preact/signals';
import type { EmailAddress, EmailSummary, Id } from '../jmap/types.ts';
import { emailRead } from '../text/words.ts';

const emails = new Map<Id, EmailSummary>();
const threads = new Map<Id, Id[]>();
const revision = signal(0);

export type EmailChange = Partial<Pick<EmailSummary, 'keywords' | 'mailboxIds'>>;

/** An email that was seen; subscribes the component that asks. */
export function emailOf(id: Id): EmailSummary | undefined {
  revision.value;
  return emails.get(id);
}

/** The emails of a thread that were seen, oldest first as the server orders them. */
export function emailsOfThread(threadId: Id): EmailSummary[] {
  revision.value;
  return (threads.get(threadId) ?? []).flatMap((id) => emails.get(id) ?? []);
}

/** Takes emails of an answer; hands them back as people read them. */
export function takeEmails<E extends EmailSummary>(list: E[]): E[] {
  const read = list.map(emailRead);
  for (const email of read) emails.set(email.id, { ...emails.get(email.id), ...email });
  revision.value++;
  return read;
}

export function takeThreads(list: { id: Id; emailIds: Id[] }[]): void {
  for (const { id, emailIds } of list) threads.set(id, emailIds);
  revision.value++;
}

/** Changes emails now, before the server has; the answer puts back what was. */
export function changeEmails(changes: Map<Id, EmailChange>): () => void {
  const before = new Map<Id, EmailSummary>();
  for (const [id, change] of changes) {
    const email = emails.get(id);
    if (!email) continue;
    before.set(id, email);
    emails.set(id, { ...email, ...change });
  }
  revision.value++;
  return () => {
    for (const [id, { keywords, mailboxIds }] of before) {
      const email = emails.get(id);
      if (email) emails.set(id, { ...email, keywords, mailboxIds });
    }
    revision.value++;
  };
}

/** Emails of a list row: in a folder those of the thread that lie in it, in a search all of them. */
export function emailsOfRow(threadId: Id, mailboxId: Id | undefined): EmailSummary[] {
  const all = emailsOfThread(threadId);
  return mailboxId === undefined ? all : all.filter((email) => email.mailboxIds[mailboxId]);
}

export const isUnread = ({ keywords }: EmailSummary): boolean => !keywords.$seen && !keywords.$draft;
export const isStarred = ({ keywords }: EmailSummary): boolean => keywords.$flagged === true;

/** Addresses in the mail seen so far, latest first; may name one several times. */
export function* seenAddresses(): Generator<EmailAddress> {
  for (const { from, to } of [...emails.values()].reverse()) {
    yield* from ?? [];
    yield* to ?? [];
  }
}
