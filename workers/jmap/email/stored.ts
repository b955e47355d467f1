/** A stored email as the source of an Email object (RFC 8621 §4.1.1). */
import { utcDate } from '../../../shared/jmap/dates.ts';
import type { Json } from '../../../shared/jmap/errors.ts';
import { blobEncoding, encodeBlobId, encodeId } from '../../../shared/jmap/ids.ts';
import type { Part } from '../../../shared/mime/index-types.ts';
import type { EmailRow, MailStore } from '../../store/mail/types.ts';
import type { EmailSource } from './object.ts';
import { KeptHeaders } from './object.ts';
import { StoredOriginal } from './original.ts';

type Shown = Pick<EmailSource, 'plain' | 'kept'>;

/** What was made of a row, as long as the request remembers the row: its calls ask for the same emails again. */
const SHOWN = new WeakMap<EmailRow, Shown>();

/** The source of one row. Octets of the original are not remembered: those of a page would not fit into a Worker. */
export function storedEmail(mail: MailStore, row: EmailRow): EmailSource {
  const shown = SHOWN.get(row) ?? show(row);
  SHOWN.set(row, shown);
  return {
    ...shown,
    get structure() {
      return row.structure;
    },
    original: new StoredOriginal(mail, row.sha256, row.size),
    blobIdOf: (part) => partBlobId(row.sha256, part),
  };
}

function show(row: EmailRow): Shown {
  const plain = {
    id: encodeId('Email', row.id),
    blobId: encodeBlobId({ sha256: row.sha256 }),
    threadId: encodeId('Thread', row.thread),
    mailboxIds: trueFor(row.mailboxes.map((id) => encodeId('Mailbox', id))),
    keywords: trueFor(row.keywords),
    size: row.size,
    receivedAt: utcDate(row.receivedAt),
    hasAttachment: row.hasAttachment,
    preview: row.preview,
  };
  return { plain, kept: new KeptHeaders(row.headers, row.headersComplete) };
}

/** The blob id of one part; `base` is where the message begins in the stored original. */
export function partBlobId(sha256: string, part: Part, base = 0): string {
  const range = { offset: base + part.bodyStart, length: part.end - part.bodyStart, encoding: blobEncoding(part.encoding) };
  return encodeBlobId({ sha256, part: range });
}

function trueFor(names: readonly string[]): Json {
  return Object.fromEntries(names.map((name) => [name, true]));
}
