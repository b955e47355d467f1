/**
 * Reading reports (RFC 6522): delivery status notifications (RFC 3464) and message disposition notifications (RFC 8098).
 * Whoever wrote them, they are read as far as they make sense; bounded, because anybody may send one.
 */
import { decodeText } from './charset.ts';
import { type HeaderField, headerValue, headerValues, lastHeaderValue, parseHeaderBlock } from './headers.ts';
import type { Part } from './index-types.ts';
import { parseMessageIds } from './messageids.ts';
import { byteString } from './octets.ts';
import { decodeParameter } from './parameters.ts';
import { decodeTransfer } from './transfer.ts';
import { decodeWords } from './words.ts';

/** Octets of a machine-readable part that are looked at: a recipient takes a few hundred. */
const STATUS_MAX = 128 * 1024;
/** Recipients of one DSN. */
const RECIPIENTS_MAX = 200;
/** Octets of the words for a person. */
const TEXT_MAX = 64 * 1024;

/** What a message reports on, by its outermost type alone. */
export function reportKind({ type, subtype, parameters }: Pick<Part, 'type' | 'subtype' | 'parameters'>): 'dsn' | 'mdn' | null {
  if (type !== 'multipart' || subtype !== 'report') return null;
  const kind = decodeParameter(parameters, 'report-type')?.trim().toLowerCase();
  return kind === 'delivery-status' ? 'dsn' : kind === 'disposition-notification' ? 'mdn' : null;
}

export interface DsnRecipient {
  /** Original-Recipient and Final-Recipient, without their types. */
  addresses: string[];
  action: string;
  /** RFC 3463; empty when there is none. */
  status: string;
  /** Diagnostic-Code of type smtp, one line; empty when there is none. */
  diagnostic: string;
}
export interface Dsn {
  /** What the message that it is about may be called, without brackets, the surest first. */
  messageIds: string[];
  recipients: DsnRecipient[];
}

/** A delivery status notification; null when it has no status part. `root` is the structure of `octets`. */
export function readDsn(octets: Uint8Array, root: Part): Dsn | null {
  const part = childOf(root, 'message', ['delivery-status', 'global-delivery-status']);
  if (!part) return null;
  const blocks = statusBlocks(octets, part);
  const recipients = blocks.map(recipientOf).filter(({ addresses }) => addresses.length > 0);
  return { messageIds: originalIds(octets, root), recipients: recipients.slice(0, RECIPIENTS_MAX) };
}

function recipientOf(fields: HeaderField[]): DsnRecipient {
  const addresses = ['original-recipient', 'final-recipient'].flatMap((name) => headerValues(fields, name)).map(withoutType);
  const diagnostic = headerValue(fields, 'diagnostic-code') ?? '';
  return {
    addresses: addresses.filter((address) => address !== ''),
    action: (headerValue(fields, 'action') ?? '').toLowerCase(),
    status: /^\d\.\d{1,3}\.\d{1,3}/.exec(headerValue(fields, 'status') ?? '')?.[0] ?? '',
    diagnostic: /^smtp\s*;/i.test(diagnostic) ? withoutType(diagnostic).replace(/\s+/g, ' ') : '',
  };
}

/** RFC 8098 §3.1, as RFC 9007 names things. */
export interface Mdn {
  subject: string | null;
  textBody: string | null;
  hasOriginal: boolean;
  reportingUA: string | null;
  disposition: { actionMode: string; sendingMode: string; type: string };
  mdnGateway: string | null;
  originalRecipient: string | null;
  finalRecipient: string | null;
  /** As written, in brackets. */
  originalMessageId: string | null;
  error: string[] | null;
  extensionFields: Record<string, string> | null;
}

/** Fields that are properties of their own, by their names in lower case. */
const MDN_FIELDS: ReadonlySet<string> = new Set([
  'reporting-ua',
  'mdn-gateway',
  'original-recipient',
  'final-recipient',
  'original-message-id',
  'disposition',
  'error',
]);
const DISPOSITION =
  /^\s*(manual-action|automatic-action)\s*\/\s*(mdn-sent-manually|mdn-sent-automatically)\s*;\s*(deleted|dispatched|displayed|processed)\s*(?:\/[^;]*)?$/i;

/** A message disposition notification; null when it is none, or its disposition cannot be read. */
export function readMdn(octets: Uint8Array, root: Part): Mdn | null {
  const part = childOf(root, 'message', ['disposition-notification', 'global-disposition-notification']);
  if (reportKind(root) !== 'mdn' || !part) return null;
  const fields = statusBlocks(octets, part).flat();
  const [, actionMode = '', sendingMode = '', type = ''] = DISPOSITION.exec(headerValue(fields, 'disposition') ?? '') ?? [];
  if (type === '') return null;
  const value = (name: string) => headerValue(fields, name) || null;
  const subject = lastHeaderValue(parseHeaderBlock(byteString(octets, root.headerStart, root.bodyStart)), 'subject');
  const errors = headerValues(fields, 'error');
  return {
    subject: subject === undefined ? null : decodeWords(subject),
    textBody: textOf(octets, root),
    hasOriginal: (root.children ?? []).slice(2).some((child) => child.type === 'message' && /^(?:rfc822|global)$/.test(child.subtype)),
    reportingUA: value('reporting-ua'),
    disposition: { actionMode: actionMode.toLowerCase(), sendingMode: sendingMode.toLowerCase(), type: type.toLowerCase() },
    mdnGateway: value('mdn-gateway'),
    originalRecipient: value('original-recipient'),
    finalRecipient: value('final-recipient'),
    originalMessageId: value('original-message-id'),
    error: errors.length > 0 ? errors : null,
    extensionFields: extensionsOf(fields),
  };
}

function extensionsOf(fields: readonly HeaderField[]): Record<string, string> | null {
  const others = fields.filter(({ name }) => !MDN_FIELDS.has(name.toLowerCase()));
  const entries = others.map(({ name }) => [name, headerValue(fields, name.toLowerCase()) ?? ''] as const);
  return entries.length > 0 ? Object.fromEntries(entries) : null;
}

function textOf(octets: Uint8Array, root: Part): string | null {
  const part = root.children?.find(({ type, subtype }) => type === 'text' && subtype === 'plain');
  if (!part) return null;
  const label = decodeParameter(part.parameters, 'charset') ?? 'us-ascii';
  const body = octets.subarray(part.bodyStart, Math.min(part.end, part.bodyStart + TEXT_MAX));
  // Line ends as JMAP gives text (RFC 8621 §4.1.4).
  return decodeText(decodeTransfer(body, part.encoding), label).replaceAll('\r\n', '\n');
}

/** The groups of fields of a status part, which empty lines part (RFC 3464 §2.1). */
function statusBlocks(octets: Uint8Array, part: Part): HeaderField[][] {
  const end = Math.min(part.end, part.bodyStart + STATUS_MAX);
  const text = byteString(decodeTransfer(octets.subarray(part.bodyStart, end), part.encoding));
  return text
    .split(/\r?\n[ \t]*\r?\n/)
    .map(parseHeaderBlock)
    .filter((fields) => fields.length > 0);
}

/** The Message-ID in the header that came back, else what the report answers. */
function originalIds(octets: Uint8Array, root: Part): string[] {
  const own = parseHeaderBlock(byteString(octets, root.headerStart, root.bodyStart));
  const ids = (fields: readonly HeaderField[], name: string) => parseMessageIds(lastHeaderValue(fields, name) ?? '');
  return [
    ...new Set([...ids(returnedHeader(octets, root), 'message-id'), ...ids(own, 'in-reply-to'), ...ids(own, 'references').slice(-1)]),
  ];
}

function returnedHeader(octets: Uint8Array, root: Part): HeaderField[] {
  const headers = childOf(root, 'text', ['rfc822-headers']) ?? childOf(root, 'message', ['global-headers']);
  if (headers) return parseHeaderBlock(byteString(decodeTransfer(octets.subarray(headers.bodyStart, headers.end), headers.encoding)));
  const message = childOf(root, 'message', ['rfc822', 'global'])?.children?.[0];
  return message ? parseHeaderBlock(byteString(octets, message.headerStart, message.bodyStart)) : [];
}

function childOf(root: Part, type: string, subtypes: readonly string[]): Part | undefined {
  return root.children?.find((child) => child.type === type && subtypes.includes(child.subtype));
}

/** `rfc822; joe@example.com` without its type (RFC 3464 §2.1.2). */
function withoutType(value: string): string {
  return value.slice(value.indexOf(';') + 1).trim();
}
