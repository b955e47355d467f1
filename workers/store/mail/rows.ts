/**
 * The index's rows as the store thinks of them, and how they are read from D1. States are never changed in
 * place: a change replaces the object, so that "what was" and "what is" can be compared (ledger.ts).
 */
import type { MessageIndex } from '../../../shared/mime/index-types.ts';
import { idOf } from './keys.ts';
import type { MailboxRow } from './types.ts';

/** One place of an email in a mailbox; `expunged` is the modseq at which it went. */
export interface Placement {
  mailbox: number;
  uid: number;
  savedAt: number;
  deleted: boolean;
  modseq: number;
  expunged?: number;
}

/** What can change about an email, and what the counters need. */
export interface EmailState {
  id: number;
  thread: number;
  receivedAt: number;
  size: number;
  sha256: string;
  keywords: readonly string[];
  keywordsModseq: number;
  placements: readonly Placement[];
  modseq: number;
  bornModseq: number;
  createdModseq: number;
  destroyedModseq: number | null;
  gone: boolean;
}

/** What a new email brings along beside its state. */
export interface EmailContent {
  index: MessageIndex;
  source: string | null;
  verdicts: unknown;
}

export interface MailboxState extends MailboxRow {
  createdModseq: number;
  destroyedModseq: number | null;
}

/** Per JMAP type, the column that keeps its last modseq (invariant 4). */
export const STATE_COLUMNS = {
  Mailbox: 'mailboxModseq',
  Email: 'emailModseq',
  Thread: 'threadModseq',
  EmailDelivery: 'deliveryModseq',
  Identity: 'identityModseq',
  EmailSubmission: 'submissionModseq',
  VacationResponse: 'vacationModseq',
  PushSubscription: 'pushModseq',
  Quota: 'quotaModseq',
} as const;

/** The account's clock and counters. */
export interface AccountState extends Record<(typeof STATE_COLUMNS)[keyof typeof STATE_COLUMNS], number> {
  id: number;
  quota: number | null;
  modseq: number;
  horizon: number;
  nextEmail: number;
  nextMailbox: number;
  nextIdentity: number;
  nextSubmission: number;
  /** 1 when a vacation reply is set, in force or not. */
  vacation: number;
  quotaSetModseq: number;
  quotaBornModseq: number;
  uidvalidity: number;
  octets: number;
  messages: number;
  /** When an annotation changed last. */
  metadataModseq: number;
}

/** The columns an `EmailState` is read from. */
export const EMAIL_STATE_COLUMNS =
  'key, thread, receivedAt, size, sha256, keywords, keywordsModseq, placements, modseq, bornModseq, createdModseq, destroyedModseq, gone';

export interface EmailStateRow {
  key: number;
  thread: number;
  receivedAt: number;
  size: number;
  sha256: string;
  keywords: string;
  keywordsModseq: number;
  placements: string;
  modseq: number;
  bornModseq: number;
  createdModseq: number;
  destroyedModseq: number | null;
  gone: number;
}

export function readEmailState(row: EmailStateRow): EmailState {
  return {
    id: idOf(row.key),
    thread: idOf(row.thread),
    receivedAt: row.receivedAt,
    size: row.size,
    sha256: row.sha256,
    keywords: JSON.parse(row.keywords) as string[],
    keywordsModseq: row.keywordsModseq,
    placements: readPlacements(row.placements),
    modseq: row.modseq,
    bornModseq: row.bornModseq,
    createdModseq: row.createdModseq,
    destroyedModseq: row.destroyedModseq,
    gone: row.gone === 1,
  };
}

type PlacementTuple = [number, number, number, 0 | 1, number, number?];

/** Placements from their column. */
export function readPlacements(text: string): Placement[] {
  return (JSON.parse(text) as PlacementTuple[]).map(([mailbox, uid, savedAt, deleted, modseq, expunged]) => ({
    mailbox,
    uid,
    savedAt,
    deleted: deleted === 1,
    modseq,
    ...(expunged === undefined ? {} : { expunged }),
  }));
}

/** Placements as their column keeps them. */
export function writePlacements(placements: readonly Placement[]): string {
  const tuples = placements.map(({ mailbox, uid, savedAt, deleted, modseq, expunged }) => {
    const tuple: PlacementTuple = [mailbox, uid, savedAt, deleted ? 1 : 0, modseq];
    if (expunged !== undefined) tuple.push(expunged);
    return tuple;
  });
  return JSON.stringify(tuples);
}

export type MailboxStateRow = Omit<MailboxState, 'id' | 'parent' | 'subscribed'> & {
  key: number;
  parent: number | null;
  subscribed: number;
};

export function readMailboxState({ key, parent, subscribed, ...row }: MailboxStateRow): MailboxState {
  return { ...row, id: idOf(key), parent: parent === null ? null : idOf(parent), subscribed: subscribed === 1 };
}

/** Placements that are in their mailbox now, `\Deleted` ones too. */
export function present({ placements }: EmailState): readonly Placement[] {
  return placements.every(isPresent) ? placements : placements.filter(isPresent);
}

function isPresent({ expunged }: Placement): boolean {
  return expunged === undefined;
}

function isLive(placement: Placement): boolean {
  return !placement.deleted && isPresent(placement);
}

/** JMAP memberships: distinct mailboxes with a placement that is not `\Deleted` (RFC 8621 §4.1.1), sorted. */
export function memberships({ placements }: EmailState): number[] {
  const [only] = placements;
  // Nearly every email lies in one place, and thousands are asked at once.
  if (only && placements.length === 1) return isLive(only) ? [only.mailbox] : [];
  return [...new Set(placements.filter(isLive).map(({ mailbox }) => mailbox))].sort((a, b) => a - b);
}

/** JMAP sees it: it is in a mailbox. */
export function isVisible({ placements }: EmailState): boolean {
  return placements.some(isLive);
}

/** Unseen in IMAP's sense: without `\Seen`. */
export function isUnseen(email: EmailState): boolean {
  return !email.keywords.includes('$seen');
}

/** Unread in JMAP's sense: neither `$seen` nor `$draft` (RFC 8621 §2). */
export function isUnread(email: EmailState): boolean {
  return !email.keywords.includes('$seen') && !email.keywords.includes('$draft');
}
