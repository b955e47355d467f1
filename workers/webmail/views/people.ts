/** Who a row is about: those who wrote, or in Sent and Drafts those it went to. */
import type { EmailAddress, EmailSummary } from '../jmap/types.ts';
import { currentMailbox } from '../state/mailboxes.ts';
import { who } from '../state/session.ts';
import { t } from '../text/messages.ts';
import { displayName, shortName } from '../text/names.ts';

/** Names one row can show. */
const NAMES_MAX = 3;

export function isMe({ email }: EmailAddress): boolean {
  return email.toLowerCase() === who.value.address.toLowerCase();
}

/** The line of names, each once, in the order they wrote. */
export function correspondents(members: EmailSummary[]): string {
  const role = currentMailbox.value?.role;
  if (role === 'sent' || role === 'drafts') return t('list.to', { names: namesOf(members.flatMap(({ to }) => to ?? [])) || '—' });
  return namesOf(members.flatMap(({ from }) => from?.slice(0, 1) ?? [])) || t('list.noSender');
}

function namesOf(addresses: EmailAddress[]): string {
  const distinct = [...new Map(addresses.map((address) => [address.email.toLowerCase(), address])).values()];
  const [only] = distinct;
  if (only && distinct.length === 1) return isMe(only) ? t('list.me') : displayName(only);
  const names = distinct.slice(-NAMES_MAX).map((address) => (isMe(address) ? t('list.me') : shortName(address)));
  return (distinct.length > NAMES_MAX ? '… ' : '') + names.join(', ');
}

/** Whose mark the row bears: the last one who is not oneself. */
export function mainCorrespondent(email: EmailSummary, members: EmailSummary[]): EmailAddress | null {
  const writers = members.flatMap(({ from }) => from?.slice(0, 1) ?? []);
  const others = writers.filter((address) => !isMe(address));
  return others.at(-1) ?? email.to?.[0] ?? writers[0] ?? null;
}
