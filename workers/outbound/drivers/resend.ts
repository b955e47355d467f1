/**
 * Resend takes structured JSON, not MIME: the message is taken apart into its text, its HTML and its attachments,
 * and the fields that thread it go along as headers (RFC 5322 §3.6.4). Parts are read by range and one at a
 * time; base64 attachments pass undecoded.
 */
import { mailboxesOf, parseAddressList } from '../../../shared/mime/addresses.ts';
import { decodeText } from '../../../shared/mime/charset.ts';
import { type HeaderField, headerValue, parseHeaderBlock, unfold } from '../../../shared/mime/headers.ts';
import type { Part } from '../../../shared/mime/index-types.ts';
import { byteString } from '../../../shared/mime/octets.ts';
import { decodeParameter, fileName } from '../../../shared/mime/parameters.ts';
import { MessageScanner } from '../../../shared/mime/scan.ts';
import { base64, decodeTransfer } from '../../../shared/mime/transfer.ts';
import { decodeWords } from '../../../shared/mime/words.ts';
import { type LeavingMessage, leavingChunks } from '../leaving.ts';
import { type RelayDriver, type RelayVerdict, replyLine } from '../relay.ts';

/** Resend's own limit for a message, attachments in base64 included; it also keeps the JSON within the Worker's memory. */
const MESSAGE_MAX = 40 * 1024 * 1024;
/** Resend answers 403 to a call without one. */
const USER_AGENT = 'posthouse';
/** A relay that says nothing for this long is tried later. */
const PATIENCE_MS = 30_000;
/** Errors that are ours or the moment's, not the message's: a wrong key must not bounce people's mail. */
const PASSING_ERRORS = new Set([
  'missing_api_key',
  'invalid_api_key',
  'restricted_api_key',
  'rate_limit_exceeded',
  'daily_quota_exceeded',
  'monthly_quota_exceeded',
  'concurrent_idempotent_requests',
  'application_error',
  'internal_server_error',
]);
/** Fields that the JSON carries by itself, or that are the relay's to write. */
const OWN_FIELDS =
  /^(from|sender|to|cc|bcc|reply-to|subject|date|mime-version|content-.*|return-path|received|dkim-signature|arc-.*|authentication-results|resent-.*)$/;

interface Content {
  text: string | null;
  html: string | null;
  attachments: { filename: string; content: string; content_type: string; content_id?: string }[];
}

/** One `POST /emails`, idempotent by the submission's id. */
export const sendToResend: RelayDriver<{ kind: 'resend'; apiUrl: string; apiKey: string }> = async (message, { apiUrl, apiKey }) => {
  if (message.size > MESSAGE_MAX) return { status: 'refused', reply: `552 5.3.4 the relay takes messages up to ${MESSAGE_MAX} octets` };
  const answer = await fetch(new URL('/emails', apiUrl), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${apiKey}`,
      'content-type': 'application/json',
      'idempotency-key': idempotencyKey(message),
      'user-agent': USER_AGENT,
    },
    body: JSON.stringify(await toEmail(message)),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  return readVerdict(answer);
};

/** The same recipients give the same key, so that a repeated attempt is not a second message. */
function idempotencyKey({ id, at }: LeavingMessage): string {
  return `posthouse/${at}/${id}`;
}

/** The message as Resend's `POST /emails` wants it. */
export async function toEmail(message: LeavingMessage): Promise<Record<string, unknown>> {
  const fields = parseHeaderBlock(byteString(message.header));
  const content: Content = { text: null, html: null, attachments: [] };
  await collect(message, await scan(message), content);
  return {
    from: formatFirst(headerValue(fields, 'from')) ?? message.envelope.mailFrom,
    ...splitRecipients(message.envelope.rcptTo, fields),
    subject: decodeWords(headerValue(fields, 'subject') ?? ''),
    ...(content.html === null ? {} : { html: content.html }),
    // Resend wants one of both; a message without text is sent with an empty line.
    ...(content.text === null && content.html !== null ? {} : { text: content.text || '\n' }),
    ...optional('reply_to', addressList(headerValue(fields, 'reply-to'))),
    headers: passedHeaders(fields),
    ...optional('attachments', content.attachments),
  };
}

async function scan(message: LeavingMessage): Promise<Part> {
  const scanner = new MessageScanner();
  for await (const chunk of leavingChunks(message)) scanner.write(chunk);
  return scanner.finish();
}

/** Puts every leaf where it belongs: the first plain and HTML texts are the body, all else is attached. */
async function collect(message: LeavingMessage, part: Part, content: Content): Promise<void> {
  if (part.type === 'multipart' && part.children) {
    for (const child of part.children) await collect(message, child, content);
    return;
  }
  const octets = await message.range(part.bodyStart, part.end - part.bodyStart);
  const slot = bodySlot(part, content);
  if (slot) content[slot] = decodeText(decodeTransfer(octets, part.encoding), decodeParameter(part.parameters, 'charset') ?? 'us-ascii');
  else content.attachments.push(attachment(part, octets, content.attachments.length + 1));
}

function bodySlot(part: Part, content: Content): 'text' | 'html' | null {
  if (part.type !== 'text' || part.disposition?.value.toLowerCase() === 'attachment' || fileName(part) !== undefined) return null;
  if (part.subtype === 'plain' && content.text === null) return 'text';
  return part.subtype === 'html' && content.html === null ? 'html' : null;
}

function attachment(part: Part, octets: Uint8Array, number: number): Content['attachments'][number] {
  const isMessage = part.type === 'message';
  const id = part.id?.replace(/^\s*<|>\s*$/g, '');
  return {
    filename: fileName(part) ?? (isMessage ? `message-${number}.eml` : `part-${number}`),
    content:
      part.encoding === 'base64' ? byteString(octets).replace(/[^A-Za-z0-9+/=]+/g, '') : base64(decodeTransfer(octets, part.encoding)),
    content_type: `${part.type}/${part.subtype}`,
    ...(id ? { content_id: id } : {}),
  };
}

/** Envelope recipients in the field they are named in; who is in none was a Bcc. Resend needs at least one `to`. */
function splitRecipients(rcptTo: string[], fields: HeaderField[]): { to: string[]; cc?: string[]; bcc?: string[] } {
  const shown = new Map<string, { field: 'to' | 'cc'; text: string }>();
  for (const field of ['cc', 'to'] as const) {
    for (const mailbox of mailboxesOf(parseAddressList(headerValue(fields, field) ?? ''))) {
      shown.set(mailbox.email.toLowerCase(), { field, text: formatMailbox(mailbox) });
    }
  }
  const split: Record<'to' | 'cc' | 'bcc', string[]> = { to: [], cc: [], bcc: [] };
  for (const recipient of rcptTo) {
    const found = shown.get(recipient.toLowerCase());
    split[found?.field ?? 'bcc'].push(found?.text ?? recipient);
  }
  if (split.to.length === 0) split.to = split.cc.length > 0 ? split.cc.splice(0, 1) : split.bcc.splice(0, 1);
  return { to: split.to, ...optional('cc', split.cc), ...optional('bcc', split.bcc) };
}

function passedHeaders(fields: HeaderField[]): Record<string, string> {
  return Object.fromEntries(
    fields.filter(({ name }) => !OWN_FIELDS.test(name.toLowerCase())).map(({ name, value }) => [name, unfold(value)]),
  );
}

function addressList(value: string | undefined): string[] {
  return mailboxesOf(parseAddressList(value ?? '')).map(formatMailbox);
}

function formatFirst(value: string | undefined): string | undefined {
  return addressList(value)[0];
}

function formatMailbox({ name, email }: { name: string | null; email: string }): string {
  return name ? `"${name.replace(/[\\"]/g, '\\$&')}" <${email}>` : email;
}

function optional<Name extends string, Item>(name: Name, items: Item[]): Partial<Record<Name, Item[]>> {
  return items.length > 0 ? ({ [name]: items } as Record<Name, Item[]>) : {};
}

async function readVerdict(answer: Response): Promise<RelayVerdict> {
  const body = (await answer.json().catch(() => ({}))) as { id?: unknown; name?: unknown; message?: unknown };
  if (answer.ok) return { status: 'sent', reply: replyLine(`250 2.0.0 relayed as ${body.id}`) };
  const reason = `${answer.status} ${body.name ?? ''}: ${body.message ?? 'no reason given'}`;
  const passing = answer.status >= 500 || [401, 408, 429].includes(answer.status) || PASSING_ERRORS.has(String(body.name));
  return passing
    ? { status: 'later', reply: replyLine(`451 4.4.0 the relay answered ${reason}`) }
    : { status: 'refused', reply: replyLine(`554 5.0.0 the relay refused: ${reason}`) };
}
