/** A stored email as the source of an Email object (RFC 8621 §4.1.1). */
import { utcDate } from '../../../shared/jmap/dates.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import { blobEncoding, encodeBlobId, encodeId } from '../../../shared/jmap/ids.ts';
import type { Part } from '../../../shared/mime/index-types.ts';
import type { EmailRow, MailStore } from '../../store/mail/types.ts';
import type { EmailSource } from './object.ts';
import { StoredOriginal } from './original.ts';

/** The source of one row. */
export function storedEmail(mail: MailStore, row: EmailRow): EmailSource {
  return {
    plain: {
      id: encodeId('Email', row.id),
      blobId: encodeBlobId({ sha256: row.sha256 }),
      threadId: encodeId('Thread', row.thread),
      mailboxIds: trueFor(row.mailboxes.map((id) => encodeId('Mailbox', id))),
      keywords: trueFor(row.keywords),
      size: row.size,
      receivedAt: utcDate(row.receivedAt),
      hasAttachment: row.hasAttachment,
      preview: row.preview,
    },
    headers: row.headers,
    headersComplete: row.headersComplete,
    structure: row.structure,
    original: new StoredOriginal(mail, row.sha256, row.size),
    blobIdOf: (part) => partBlobId(row.sha256, part),
  };
}

/** The blob id of one part; `base` is where the message begins in the stored original. */
export function partBlobId(sha256: string, part: Part, base = 0): string {
  const range = { offset: base + part.bodyStart, length: part.end - part.bodyStart, encoding: blobEncoding(part.encoding) };
  return encodeBlobId({ sha256, part: range });
}

function trueFor(names: readonly string[]): Json {
  return Object.fromEntries(names.map((name) => [name, true]));
}
