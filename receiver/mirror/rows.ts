/**
 * From the edge's rows to the mirror's: ENVELOPE, BODY and BODYSTRUCTURE become finished wire text here, once
 * per message and account, so that a FETCH only concatenates (RFC 9051 §7.5.2). Works in slices and lets others
 * run in between, because a page carries up to 500 messages.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isKeyword, KEYWORDS_PER_EMAIL_MAX } from '../../shared/flags.ts';
import { envelopeWire } from '../../shared/mime/envelope.ts';
import { type MessageKeys, messageKeys } from '../../shared/mime/message-keys.ts';
import { bodyStructureWire } from '../../shared/mime/structure.ts';
import type { BridgeEmail, BridgeIndex, BridgeMailbox, BridgeMetadata, BridgeUsage, ChangesPage } from '../../shared/protocol.ts';

/** The immutable half of an email, ready to be written. */
export interface ContentRow {
  sha256: string;
  size: number;
  sentAt: number | null;
  thread: number;
  envelope: string;
  body: string;
  bodyStructure: string;
  preview: string;
  headers: string;
  headersComplete: boolean;
  structure: string;
  keys: MessageKeys;
}
export interface EmailRow extends Omit<BridgeEmail, 'keywords' | 'index'> {
  /** Sorted, joined by spaces: a keyword holds none (shared/flags.ts). */
  keywords: string;
  content: ContentRow | null;
}
export interface PageRows {
  mailboxes: BridgeMailbox[];
  emails: EmailRow[];
  cursor: string;
  modseq: number;
  more: boolean;
  usage?: BridgeUsage;
  metadata?: BridgeMetadata[];
}

/** Messages whose wire text is made before others get a turn: about 2 ms. */
const SLICE = 32;

/** The rows of a page that is no reset. */
export async function pageRows(page: ChangesPage): Promise<PageRows> {
  const emails: EmailRow[] = [];
  for (const email of page.emails) {
    emails.push(emailRow(email));
    if (emails.length % SLICE === 0) await nextTurn();
  }
  return { ...page, emails };
}

function emailRow({ keywords, index, ...email }: BridgeEmail): EmailRow {
  const valid = keywords.filter(isKeyword).slice(0, KEYWORDS_PER_EMAIL_MAX);
  return { ...email, keywords: valid.sort().join(' '), content: index ? contentRow(index) : null };
}

function contentRow(index: BridgeIndex): ContentRow {
  const { sha256, size, sentAt, thread, preview, headers, headersComplete, structure } = index;
  return {
    sha256,
    size,
    sentAt,
    thread,
    preview,
    headers,
    headersComplete,
    envelope: envelopeWire(headers),
    body: bodyStructureWire(structure, false),
    bodyStructure: bodyStructureWire(structure, true),
    structure: JSON.stringify(structure),
    keys: messageKeys(headers),
  };
}
