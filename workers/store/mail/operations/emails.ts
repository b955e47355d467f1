/**
 * JMAP's update of emails (RFC 8621 §4.6): keywords and memberships of one email change together or not at all (RFC 8620 §5.3).
 * The limits are checked against the email as it is now, so that two clients at once do not pass them together; no update
 * leaves an email in no mailbox.
 */
import { isKeyword, KEYWORDS_PER_EMAIL_MAX } from '../../../../shared/flags.ts';
import { MAILBOXES_PER_EMAIL_MAX } from '../../../../shared/jmap/capabilities.ts';
import type { OperationResult } from '../../../../shared/protocol.ts';
import type { Ledger } from '../ledger.ts';
import { type EmailState, memberships } from '../rows.ts';
import type { AppliedOperation, EmailUpdate, SetPatch } from './applied.ts';
import { TOO_MANY_MAILBOXES } from './applied.ts';
import { failure, type OperationContext } from './context.ts';
import { setMemberships } from './placements.ts';

type UpdateEmails = Extract<AppliedOperation, { op: 'updateEmails' }>;

/** What one email shall have; null where it stays. */
interface Outcome {
  email: EmailState;
  mailboxes: ReadonlySet<number> | null;
  keywords: ReadonlySet<string> | null;
}

/** All changes or none. Emails that JMAP does not see are named in `modified`. */
export function updateEmails({ ledger }: OperationContext, { changes }: UpdateEmails): OperationResult {
  const missing: number[] = [];
  const outcomes: Outcome[] = [];
  for (const change of changes) {
    const email = ledger.visibleEmail(change.email);
    const outcome = email && outcomeOf(ledger, email, change);
    if (outcome && 'ok' in outcome) return outcome;
    if (outcome) outcomes.push(outcome);
    else missing.push(change.email);
  }
  for (const { email, mailboxes, keywords } of outcomes) {
    if (keywords) ledger.setKeywords(email, keywords);
    if (mailboxes) setMemberships(ledger, ledger.visibleEmail(email.id) ?? email, mailboxes);
  }
  return { ok: true, ...(missing.length > 0 ? { modified: missing } : {}) };
}

function outcomeOf(ledger: Ledger, email: EmailState, { mailboxes, keywords }: EmailUpdate): Outcome | OperationResult {
  const places = mailboxes ? patched(memberships(email), mailboxes) : null;
  const words = keywords ? patched(email.keywords, lowerCase(keywords)) : null;
  const refused = (places && placesFault(ledger, places, mailboxes)) ?? (words && wordsFault(words));
  return refused ?? { email, mailboxes: places, keywords: words };
}

function patched<Item>(before: readonly Item[], { add, remove, replace }: SetPatch<Item>): Set<Item> {
  const next = new Set([...(replace ?? before), ...add]);
  for (const item of remove) next.delete(item);
  return next;
}

function placesFault(ledger: Ledger, places: ReadonlySet<number>, patch: SetPatch<number> | undefined): OperationResult | null {
  const targets = [...(patch?.add ?? []), ...(patch?.replace ?? [])];
  if (!targets.every((id) => ledger.mailbox(id))) return failure('notFound', 'mailbox');
  if (places.size === 0) return failure('invalid', 'an email is in one mailbox at least');
  return places.size > MAILBOXES_PER_EMAIL_MAX ? failure('tooLarge', TOO_MANY_MAILBOXES) : null;
}

function wordsFault(words: ReadonlySet<string>): OperationResult | null {
  if (![...words].every(isKeyword)) return failure('invalid', 'not a keyword');
  return words.size > KEYWORDS_PER_EMAIL_MAX ? failure('tooLarge', `more than ${KEYWORDS_PER_EMAIL_MAX} keywords`) : null;
}

function lowerCase({ add, remove, replace }: SetPatch<string>): SetPatch<string> {
  const lower = (list: readonly string[]) => list.map((keyword) => keyword.toLowerCase());
  return { add: lower(add), remove: lower(remove), ...(replace ? { replace: lower(replace) } : {}) };
}
