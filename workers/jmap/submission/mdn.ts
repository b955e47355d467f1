/**
 * Sending one message disposition notification (RFC 9007 §2.1, RFC 8098 §2.1): only when the sender asked for it, only once
 * for a message, and without a person's word only to where the message came from.
 */
import { formatAddress, parseAddress } from '../../../shared/address.ts';
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { invalidProperties, MethodError } from '../../../shared/jmap/errors.ts';
import { decodeId } from '../../../shared/jmap/ids.ts';
import { type MdnCreation, readMdnCreation } from '../../../shared/jmap/mdn.ts';
import { mailboxesOf, parseAddressList } from '../../../shared/mime/addresses.ts';
import { contentFields } from '../../../shared/mime/content.ts';
import { UnsafeHeader } from '../../../shared/mime/fields.ts';
import { type HeaderField, headerValue, headerValues, lastHeaderValue, parseHeaderBlock } from '../../../shared/mime/headers.ts';
import { composeMdn } from '../../../shared/mime/mdn.ts';
import { parseMessageIds } from '../../../shared/mime/messageids.ts';
import { byteString, cutText } from '../../../shared/mime/octets.ts';
import { reportKind } from '../../../shared/mime/report.ts';
import { putAutomatic } from '../../outbound/automatic.ts';
import { readHeader } from '../../outbound/header.ts';
import { openDirectory } from '../../store/directory/index.ts';
import { findSubmission } from '../../store/mail/claims.ts';
import type { EmailRow, IdentityRow } from '../../store/mail/types.ts';
import { readStream } from '../body.ts';
import type { JmapContext } from '../context.ts';
import { orRefused } from './create.ts';

/** Octets of a message that may go back with a notification: it is held while it is composed. */
const ORIGINAL_MAX = 4 * 1024 * 1024;
/** Addresses a notification goes to. */
const RECIPIENTS_MAX = 10;
/** Characters kept of the subject. */
const SUBJECT_MAX = 200;
const TEXT = 'This is a receipt for the message that you sent. It says what became of it, not that anybody read or understood it.';

/** The account; RFC 9007 answers one that is not there with `invalidArguments`. */
export function mdnAccountId(args: Json, context: JmapContext): string {
  try {
    return context.accountId(args);
  } catch (error) {
    if (!(error instanceof MethodError) || error.type !== 'accountNotFound') throw error;
    throw new MethodError('invalidArguments', 'no such account', { arguments: ['accountId'] });
  }
}

/** What was sent: for which email, and what the client does not know of it. */
export interface SentMdn {
  emailId: string;
  answer: Json;
}

/** Sends one; eight queries, one R2 read (two with the message) and a put. */
export async function sendMdn(context: JmapContext, identity: IdentityRow, record: Json): Promise<SentMdn | SetError> {
  const mdn = orRefused(() => readMdnCreation(record, ''));
  if ('type' in mdn) return mdn;
  const email = await findEmail(context, mdn.forEmailId);
  const header = email && (await readHeader(context.mail, email.sha256))?.header;
  if (!email || !header) return { type: 'notFound', description: 'no such email' };
  const fields = parseHeaderBlock(byteString(header));
  const wanted = requestedBy(fields);
  if (wanted.length === 0) return { type: 'notFound', description: 'nobody asked for a notification' };
  const key = `mdn ${email.id}`;
  if (email.keywords.includes('$mdnsent') || (await findSubmission(context.env, context.account, key)) !== null)
    return { type: 'mdnAlreadySent', description: 'a message is notified of once' };
  const finalRecipient = mdn.finalRecipient ?? `rfc822; ${identity.email}`;
  const refusal = refuse(mdn, email, fields, wanted) ?? (await refuseRecipient(context, finalRecipient));
  if (refusal) return refusal;
  const facts = {
    subject: mdn.subject ?? `Receipt: ${cutText(email.subject, SUBJECT_MAX)}`,
    textBody: mdn.textBody ?? TEXT,
    finalRecipient,
    originalRecipient: headerValue(fields, 'original-recipient') ?? null,
    originalMessageId: parseMessageIds(lastHeaderValue(fields, 'message-id') ?? '')[0] ?? null,
  };
  const original = mdn.includeOriginalMessage ? await readOriginal(context, email) : null;
  try {
    const { textBody: text, ...rest } = facts;
    const from = { name: identity.name || null, email: identity.email };
    const { reportingUA, disposition, extensionFields } = mdn;
    const to = wanted.map((address) => ({ email: address }));
    const message = composeMdn({ ...rest, text, from, to, reportingUA, disposition, extensionFields: extensionFields ?? {}, original });
    await putAutomatic(context.env, context.mail, key, message, wanted);
  } catch (error) {
    if (!(error instanceof UnsafeHeader)) throw error;
    return invalidProperties([error.field.toLowerCase() === 'subject' ? 'subject' : 'forEmailId'], error.message);
  }
  const originalMessageId = facts.originalMessageId === null ? null : `<${facts.originalMessageId}>`;
  return { emailId: mdn.forEmailId, answer: unknownTo(record, { ...facts, originalMessageId }) };
}

/** The addresses that ask for a notification (RFC 8098 §2.1), in the directory's form, each once. */
function requestedBy(fields: readonly HeaderField[]): string[] {
  const value = lastHeaderValue(fields, 'disposition-notification-to') ?? '';
  return addressesIn(value).slice(0, RECIPIENTS_MAX);
}

function addressesIn(value: string): string[] {
  const addresses = mailboxesOf(parseAddressList(value)).flatMap(({ email }) => parseAddress(email) ?? []);
  return [...new Set(addresses.map(formatAddress))];
}

function refuse(mdn: MdnCreation, email: EmailRow, fields: readonly HeaderField[], wanted: readonly string[]): SetError | null {
  if (reportKind(contentFields(fields, false)) === 'mdn') return { type: 'forbidden', description: 'a notification is not notified of' };
  const paths = headerValues(fields, 'return-path').flatMap(addressesIn);
  const isAsked = wanted.length === 1 && wanted.every((address) => paths.includes(address));
  if (mdn.disposition.sendingMode === 'mdn-sent-automatically' && !isAsked)
    return { type: 'forbidden', description: 'it goes elsewhere than where the message came from: ask the user (RFC 8098 §2.1)' };
  if (mdn.includeOriginalMessage && email.size > ORIGINAL_MAX) return { type: 'tooLarge', maxSize: ORIGINAL_MAX } as SetError;
  return null;
}

/** The recipient that the notification speaks for must be the account's (RFC 9007 §5). */
async function refuseRecipient({ env, account }: JmapContext, finalRecipient: string): Promise<SetError | null> {
  const [, type = '', address = ''] = /^\s*([A-Za-z0-9-]+)\s*;\s*(.+?)\s*$/.exec(finalRecipient) ?? [];
  const parsed = type.toLowerCase() === 'rfc822' ? parseAddress(address) : null;
  if (parsed === null) return invalidProperties(['finalRecipient'], 'must be rfc822; and an address');
  const isOwn = await openDirectory(env).maySendAs(account.id, [formatAddress(parsed)]);
  return isOwn ? null : { type: 'forbiddenFrom', description: `${address} is not an address of this account` };
}

async function findEmail(context: JmapContext, id: string): Promise<EmailRow | null> {
  const number = decodeId('Email', id);
  return number === null ? null : ((await context.mail.emails([number]))[0] ?? null);
}

async function readOriginal({ mail }: JmapContext, { sha256 }: EmailRow): Promise<Uint8Array | null> {
  const blob = await mail.getBlob(sha256);
  return blob && readStream(blob.body, ORIGINAL_MAX);
}

/** What the client left out, as it is now (RFC 9007 §2.1). */
function unknownTo(record: Json, facts: Json): Json {
  const defaults = { includeOriginalMessage: false, reportingUA: null, mdnGateway: null, error: null, extensionFields: null };
  const whole: Json = { ...defaults, ...facts };
  return Object.fromEntries(Object.entries(whole).filter(([name]) => record[name] === undefined || record[name] === null));
}
