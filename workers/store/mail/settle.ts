/**
 * The end of a change: from the emails and mailboxes before and after it, the marks that say since when an email exists, is
 * visible or is gone, the mailboxes' counters and HIGHESTMODSEQ, and the states of the JMAP types (invariant 4). Pure.
 */
import { countEmails, countThread, Tally } from './counters.ts';
import {
  type AccountState,
  type EmailContent,
  type EmailState,
  isUnread,
  isUnseen,
  isVisible,
  type MailboxState,
  type Placement,
  present,
} from './rows.ts';

/**
 * Expunged marks one email keeps. A client that moves one message to and fro adds one each time; beyond
 * this the oldest are forgotten and the horizon passes them, so that older cursors start afresh.
 */
export const MARKS_PER_EMAIL_MAX = 100;

interface Snapshot {
  emails: ReadonlyMap<number, EmailState>;
  mailboxes: ReadonlyMap<number, MailboxState>;
}

export interface Unsettled {
  /** The account after the change; its counters, horizon and states are moved here. */
  account: AccountState;
  modseq: number;
  before: Snapshot;
  after: Snapshot;
  contents: ReadonlyMap<number, EmailContent>;
}

interface Touched {
  created: { email: EmailState; content: EmailContent }[];
  /** Pairs of what was and what is. */
  updated: { before: EmailState; after: EmailState }[];
}

export interface Settled extends Touched {
  account: AccountState;
  mailboxes: MailboxState[];
  /** Another mailbox became the trash: unread threads are counted anew in all of them. */
  recountThreads: boolean;
}

/** Null when nothing has changed. */
export function settle(change: Unsettled): Settled | null {
  const touched = markEmails(change);
  const counted = countMailboxes(change, touched);
  const recountThreads = trashOf(change.before)?.id !== trashOf(change.after)?.id;
  const mailboxes = changedMailboxes(change, touched, counted, recountThreads);
  const { created, updated } = touched;
  const annotated = change.account.metadataModseq === change.modseq;
  if (created.length + updated.length + mailboxes.length === 0 && !annotated) return null;
  countUsage(change.account, touched);
  const isMailboxNews = recountThreads || [...counted].some(([id, mailbox]) => mailbox !== change.before.mailboxes.get(id));
  advanceStates(change, touched, isMailboxNews);
  return { account: change.account, mailboxes, created, updated, recountThreads };
}

function markEmails({ before, after, contents, account, modseq }: Unsettled): Touched {
  const touched: Touched = { created: [], updated: [] };
  for (const [id, email] of after.emails) {
    const old = before.emails.get(id);
    if (email === old) continue;
    const marked = { ...mark(old, email, modseq), placements: withoutOldMarks(email.placements, account) };
    const content = contents.get(id);
    if (old) touched.updated.push({ before: old, after: marked });
    else if (content) touched.created.push({ email: marked, content });
  }
  return touched;
}

function mark(before: EmailState | undefined, email: EmailState, modseq: number): EmailState {
  const marked = { ...email, modseq, gone: present(email).length === 0 };
  const was = before !== undefined && isVisible(before);
  if (isVisible(email)) return was ? marked : { ...marked, createdModseq: modseq, destroyedModseq: null };
  return was || !before ? { ...marked, destroyedModseq: modseq } : marked;
}

function withoutOldMarks(placements: readonly Placement[], account: AccountState): readonly Placement[] {
  if (placements.every(({ expunged }) => expunged === undefined)) return placements;
  const since = ({ expunged = Number.POSITIVE_INFINITY }: Placement) => expunged;
  const kept = placements.filter((placement) => since(placement) > account.horizon);
  const marks = kept.flatMap(({ expunged }) => (expunged === undefined ? [] : [expunged]));
  if (marks.length <= MARKS_PER_EMAIL_MAX) return kept;
  const limit = marks.sort((a, b) => b - a)[MARKS_PER_EMAIL_MAX / 2] ?? 0;
  account.horizon = Math.max(account.horizon, limit);
  return kept.filter((placement) => since(placement) > limit);
}

/** The mailboxes with what the changed emails and their threads contribute now and did not before. */
function countMailboxes({ before, after }: Unsettled, { created, updated }: Touched): Map<number, MailboxState> {
  const tally = new Tally();
  const counted = updated.filter(countsDiffer);
  const news = [...created.map(({ email }) => email), ...counted.map((pair) => pair.after)];
  countEmails(
    tally,
    counted.map((pair) => pair.before),
    -1,
  );
  countEmails(tally, news, 1);
  const threads = new Set(news.map(({ thread }) => thread));
  const trash = trashOf(after)?.id ?? null;
  for (const emails of byThread(before.emails.values(), threads)) countThread(tally, emails, trash, -1);
  for (const emails of byThread(after.emails.values(), threads)) countThread(tally, emails, trash, 1);
  const mailboxes = new Map(after.mailboxes);
  for (const [id, counts] of tally.differences()) {
    const mailbox = mailboxes.get(id);
    if (!mailbox) continue;
    const next = { ...mailbox };
    for (const [counter, amount] of Object.entries(counts) as [keyof typeof counts, number][]) next[counter] += amount;
    mailboxes.set(id, next);
  }
  return mailboxes;
}

/** Most flags are counted nowhere. */
function countsDiffer({ before, after }: Touched['updated'][number]): boolean {
  return before.placements !== after.placements || isUnread(before) !== isUnread(after) || isUnseen(before) !== isUnseen(after);
}

function byThread(emails: Iterable<EmailState>, threads: ReadonlySet<number>): Iterable<EmailState[]> {
  const groups = new Map<number, EmailState[]>();
  for (const email of emails) {
    if (!threads.has(email.thread)) continue;
    const group = groups.get(email.thread);
    if (group) group.push(email);
    else groups.set(email.thread, [email]);
  }
  return groups.values();
}

/** Mailboxes that differ from what was read, with HIGHESTMODSEQ raised where a message changed (RFC 7162 §3.1.2.1). */
function changedMailboxes(
  { before, modseq }: Unsettled,
  touched: Touched,
  mailboxes: ReadonlyMap<number, MailboxState>,
  all: boolean,
): MailboxState[] {
  const withChanges = mailboxesOfChanges(touched, modseq);
  const changed: MailboxState[] = [];
  for (const [id, mailbox] of mailboxes) {
    const next = withChanges.has(id) ? { ...mailbox, highestModseq: modseq } : mailbox;
    if (all || next !== before.mailboxes.get(id)) changed.push({ ...next, modseq });
  }
  return changed;
}

function mailboxesOfChanges({ created, updated }: Touched, modseq: number): Set<number> {
  const mailboxes = new Set<number>();
  for (const { email } of created) for (const { mailbox } of email.placements) mailboxes.add(mailbox);
  for (const { before, after } of updated) {
    if (before.keywords !== after.keywords) for (const { mailbox } of present(after)) mailboxes.add(mailbox);
    for (const placement of after.placements) if (placement.modseq === modseq) mailboxes.add(placement.mailbox);
  }
  return mailboxes;
}

function countUsage(account: AccountState, { created, updated }: Touched): void {
  const octets = (emails: EmailState[]) => emails.reduce((sum, { size }) => sum + size, 0);
  const news = created.map(({ email }) => email);
  const lost = [...news, ...updated.map(({ after }) => after)].filter(({ gone }) => gone);
  account.messages += news.length - lost.length;
  account.octets += octets(news) - octets(lost);
}

/** HIGHESTMODSEQ alone, as when a message is flagged, is nothing that JMAP shows of a mailbox. */
function advanceStates({ account, modseq }: Unsettled, { created, updated }: Touched, isMailboxNews: boolean): void {
  const appeared = created.some(({ email }) => isVisible(email));
  const turned = updated.some(({ before, after }) => isVisible(before) !== isVisible(after));
  if (isMailboxNews) account.mailboxModseq = modseq;
  if (appeared || updated.some(({ before, after }) => isVisible(before) || isVisible(after))) account.emailModseq = modseq;
  if (appeared || turned) account.threadModseq = modseq;
  // "Whenever a new Email is added to the store" (RFC 8621 §1.5): an appended, imported or composed one as well.
  if (appeared) account.deliveryModseq = modseq;
  if (created.length > 0 || updated.some(({ after }) => after.gone)) account.quotaModseq = modseq;
}

function trashOf({ mailboxes }: Snapshot): MailboxState | undefined {
  return [...mailboxes.values()].find(({ role, destroyedModseq }) => role === 'trash' && destroyedModseq === null);
}
