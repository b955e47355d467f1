/** People to suggest as recipients: those seen in this page's mail, and oneself last. */
import type { EmailAddress } from '../jmap/types.ts';
import { sameAddress } from '../writing/addresses.ts';
import { seenAddresses } from './emails.ts';

const SUGGESTIONS_MAX = 6;

/** Whose name or address has a word that begins with `text`. */
export function suggest(text: string, taken: EmailAddress[]): EmailAddress[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return [];
  const found: EmailAddress[] = [];
  for (const address of seenAddresses()) {
    if (found.length >= SUGGESTIONS_MAX) break;
    if (matches(address, wanted) && ![...taken, ...found].some((other) => sameAddress(other, address))) found.push(address);
  }
  return found;
}

function matches({ name, email }: EmailAddress, wanted: string): boolean {
  const words = `${name ?? ''} ${email}`.toLowerCase();
  return (
    words.startsWith(wanted) ||
    words.includes(` ${wanted}`) ||
    words.includes(`@${wanted}`) ||
    (/\p{Script=Han}/u.test(wanted) && words.includes(wanted))
  );
}
