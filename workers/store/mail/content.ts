/**
 * The columns that never change about an email, made of its `MessageIndex`: what a listing shows, what it is sorted by
 * and what the full text holds. Text that SQLite or JSON cannot carry (NUL, lone surrogates) is mended here.
 */
import type { MessageIndex, SearchText } from '../../../shared/mime/index-types.ts';
import { accountText } from '../../../shared/search.ts';
import type { EmailContent } from './rows.ts';
import { sortKeys } from './sort-keys.ts';
import { hourOf } from './text-rows.ts';

export function indexRow({ index, source, verdicts }: EmailContent): Record<string, unknown> {
  return {
    ...sortKeys(index),
    sentAt: index.sentAt,
    size: index.size,
    hasAttachment: index.hasAttachment ? 1 : 0,
    source,
    verdicts: verdicts === null ? null : storable(JSON.stringify(verdicts)),
    headersComplete: index.headersComplete ? 1 : 0,
    ...keptTexts(index),
    structure: storable(JSON.stringify(index.structure)),
  };
}

/** What a listing shows of a message, as it is kept. */
export function keptTexts({ subject, preview, headers }: MessageIndex): Pick<MessageIndex, 'subject' | 'preview' | 'headers'> {
  return { subject: storable(subject), preview: storable(preview), headers: storable(headers) };
}

/** A row of `email_text`: account, hour and email of its id, then the columns of `SearchText` in the table's order. */
export function searchRow(account: number, email: { id: number; receivedAt: number }, text: SearchText): unknown[] {
  const { from, to, cc, bcc, subject, body, attachments } = text;
  const columns = [from, to, cc, bcc, subject, body, attachments].map((column) => accountText(account, storable(column)));
  return [account, hourOf(email.receivedAt), email.id, ...columns];
}

function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\u0080');
}
