/**
 * Writes the message of a plan (RFC 5322, RFC 2045): header fields as they were read, Message-ID and Date
 * when they are missing, each part in the lightest encoding that survives a 7-bit transport. Large blobs are named in
 * the message, not read: it is put together while it is stored. `shared/mime/compose.ts` cannot serve here, for a client's own fields
 * and the octets of its blobs have to come out as they went in.
 */
import { formatDate } from '../../mime/date.ts';
import { octetsOf, utf8ByteString } from '../../mime/octets.ts';
import { encodeBase64, encodeQuotedPrintable } from '../../mime/transfer.ts';
import type { Segment } from '../segments.ts';
import type { EmailCreation } from './creation.ts';
import type { PartPlan } from './part-plan.ts';
import { fieldName, structured } from './part-plan.ts';
import type { Survey } from './survey.ts';
import { survey } from './survey.ts';

/** A blob as far as it has been read: its octets, or the id to read it by and, where that decides the encoding, what is in it. */
export type BlobContent = { octets: Uint8Array } | { blobId: string; survey: Survey | null };

export interface BuildFacts {
  /** Every blob the plan names. */
  blobs: ReadonlyMap<string, BlobContent>;
  /** For Message-ID: a unique left side, and the domain of the account. */
  unique: string;
  domain: string;
  /** Epoch milliseconds. */
  now: number;
}

/** The blobs a plan names. */
export function blobsOf(plan: PartPlan): string[] {
  if ('blobId' in plan.content) return [plan.content.blobId];
  return 'parts' in plan.content ? plan.content.parts.flatMap(blobsOf) : [];
}

/** Of a blob in a part of this type the octets decide the encoding: an enclosed message may not be encoded (RFC 2046 §5.2.1). */
export function staysUnencoded(type: string | null): boolean {
  return type?.startsWith('message/') ?? false;
}

/** Names of blobs that stand in parts which stay unencoded. */
export function unencodedBlobsOf(plan: PartPlan): string[] {
  if ('blobId' in plan.content) return staysUnencoded(plan.type) ? [plan.content.blobId] : [];
  return 'parts' in plan.content ? plan.content.parts.flatMap(unencodedBlobsOf) : [];
}

/** The whole message. */
export function buildMessage(creation: EmailCreation, facts: BuildFacts): Segment[] {
  const fields = [...creation.fields];
  const given = new Set([...fields, ...creation.body.fields].map(fieldName));
  if (!given.has('date')) fields.unshift(`Date: ${formatDate(facts.now)}`);
  if (!given.has('message-id')) fields.unshift(`Message-ID: <${facts.unique}@${facts.domain}>`);
  if (!given.has('mime-version')) fields.push('MIME-Version: 1.0');
  const root = writePart(creation.body, facts, 'b');
  return [line([...fields, ...root.fields, '', ''].join('\r\n')), ...root.body];
}

interface WrittenPart {
  fields: string[];
  body: Segment[];
}

/** `path` makes every boundary of the message its own: none is the beginning of another followed by a line end. */
function writePart(plan: PartPlan, facts: BuildFacts, path: string): WrittenPart {
  if ('parts' in plan.content) return writeMultipart(plan, plan.content.parts, facts, path);
  const isText = 'text' in plan.content;
  const content = 'text' in plan.content ? { octets: textOctets(plan.content.text) } : facts.blobs.get(plan.content.blobId);
  const { encoding, body } = encode(content ?? { octets: new Uint8Array() }, plan.type, isText);
  const parameters = isText ? ['charset=utf-8', ...plan.parameters] : plan.parameters;
  const type = plan.type === null ? [] : [structured('Content-Type', plan.type, parameters)];
  return { fields: [...type, ...plan.fields, `Content-Transfer-Encoding: ${encoding}`], body: [body] };
}

function writeMultipart(plan: PartPlan, parts: readonly PartPlan[], facts: BuildFacts, path: string): WrittenPart {
  const boundary = `=_${path}_${facts.unique.slice(0, 40)}`;
  const body: Segment[] = [];
  parts.forEach((part, index) => {
    const written = writePart(part, facts, `${path}-${index + 1}`);
    body.push(line(`${index === 0 ? '' : '\r\n'}--${boundary}\r\n${[...written.fields, '', ''].join('\r\n')}`), ...written.body);
  });
  body.push(line(`\r\n--${boundary}--\r\n`));
  const type = structured('Content-Type', plan.type ?? 'multipart/mixed', [`boundary="${boundary}"`]);
  return { fields: [type, ...plan.fields], body };
}

function line(text: string): Uint8Array {
  return octetsOf(utf8ByteString(text));
}

/** Text as it is stored: UTF-8 with CRLF. */
function textOctets(text: string): Uint8Array {
  return new TextEncoder().encode(text.replace(/\r\n|\r|\n/g, '\r\n'));
}

interface Encoded {
  encoding: string;
  body: Segment;
}

function encode(content: BlobContent, type: string | null, isText: boolean): Encoded {
  if (!('octets' in content)) return encodeUnread(content, type);
  const { octets } = content;
  const found = survey(octets);
  if (found.isClean) return { encoding: '7bit', body: octets };
  if (staysUnencoded(type)) return { encoding: unencoded(found), body: octets };
  if (isText && found.highShare < 0.3) return { encoding: 'quoted-printable', body: octetsOf(encodeQuotedPrintable(octets)) };
  return { encoding: 'base64', body: encodeBase64(octets) };
}

function encodeUnread({ blobId, survey }: Extract<BlobContent, { blobId: string }>, type: string | null): Encoded {
  if (!staysUnencoded(type) || survey === null) return { encoding: 'base64', body: { blobId, encoding: 'base64' } };
  return { encoding: unencoded(survey), body: { blobId, encoding: 'identity' } };
}

function unencoded({ isClean, hasNul }: Survey): string {
  if (isClean) return '7bit';
  return hasNul ? 'binary' : '8bit';
}
