/**
 * Writes the message of a plan (RFC 5322, RFC 2045): header fields as they were read, Message-ID and Date
 * when they are missing, each part in the lightest encoding that survives a 7-bit transport.
 */
import { formatDate } from '../../mime/date.ts';
import { concatOctets, octetsOf, utf8ByteString } from '../../mime/octets.ts';
import { encodeBase64, encodeQuotedPrintable } from '../../mime/transfer.ts';
import type { EmailCreation } from './creation.ts';
import type { PartPlan } from './part-plan.ts';
import { fieldName, structured } from './part-plan.ts';

/** Octets of a line (RFC 5322 §2.1.1). */
const LINE_OCTETS_MAX = 998;

export interface BuildFacts {
  /** Octets of every blob the plan names. */
  blobs: ReadonlyMap<string, Uint8Array>;
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

/** The whole message. */
export function buildMessage(creation: EmailCreation, facts: BuildFacts): Uint8Array {
  const fields = [...creation.fields];
  const bodyFields = new Set(creation.body.fields.map(fieldName));
  const has = (name: string) => creation.names.has(name) || bodyFields.has(name);
  if (!has('date')) fields.unshift(`Date: ${formatDate(facts.now)}`);
  if (!has('message-id')) fields.unshift(`Message-ID: <${facts.unique}@${facts.domain}>`);
  if (!has('mime-version')) fields.push('MIME-Version: 1.0');
  const root = writePart(creation.body, facts, 'b');
  return concatOctets([octetsOf(utf8ByteString([...fields, ...root.fields, '', ''].join('\r\n'))), ...root.body]);
}

interface WrittenPart {
  fields: string[];
  body: Uint8Array[];
}

/** `path` makes every boundary of the message its own: none is the beginning of another followed by a line end. */
function writePart(plan: PartPlan, facts: BuildFacts, path: string): WrittenPart {
  if ('parts' in plan.content) return writeMultipart(plan, plan.content.parts, facts, path);
  const isText = 'text' in plan.content;
  const octets = 'text' in plan.content ? textOctets(plan.content.text) : (facts.blobs.get(plan.content.blobId) ?? new Uint8Array());
  const { encoding, body } = encode(octets, plan.type ?? '', isText);
  const parameters = isText ? ['charset=utf-8', ...plan.parameters] : plan.parameters;
  const type = plan.type === null ? [] : [structured('Content-Type', plan.type, parameters)];
  return { fields: [...type, ...plan.fields, `Content-Transfer-Encoding: ${encoding}`], body: [body] };
}

function writeMultipart(plan: PartPlan, parts: readonly PartPlan[], facts: BuildFacts, path: string): WrittenPart {
  const boundary = `=_${path}_${facts.unique.slice(0, 40)}`;
  const body: Uint8Array[] = [];
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

function encode(octets: Uint8Array, type: string, isText: boolean): { encoding: string; body: Uint8Array } {
  const found = survey(octets);
  if (found.isClean) return { encoding: '7bit', body: octets };
  // RFC 2046 §5.2.1: an enclosed message is never encoded.
  if (type.startsWith('message/')) return { encoding: found.hasNul ? 'binary' : '8bit', body: octets };
  if (isText && found.highShare < 0.3) return { encoding: 'quoted-printable', body: octetsOf(encodeQuotedPrintable(octets)) };
  return { encoding: 'base64', body: encodeBase64(octets) };
}

/** Whether octets pass a 7-bit transport as they are: ASCII, CRLF line ends, short lines. */
function survey(octets: Uint8Array): { isClean: boolean; hasNul: boolean; highShare: number } {
  let high = 0;
  let stray = 0;
  let longest = 0;
  let start = 0;
  let hasNul = false;
  for (let at = 0; at < octets.length; at++) {
    const octet = octets[at] ?? 0;
    if (octet > 0x7e) high++;
    else if (octet === 0) hasNul = true;
    else if (octet === 0x0a) {
      if (octets[at - 1] !== 0x0d) stray++;
      longest = Math.max(longest, at - start);
      start = at + 1;
    } else if (octet === 0x0d && octets[at + 1] !== 0x0a) stray++;
  }
  longest = Math.max(longest, octets.length - start);
  const isClean = high === 0 && stray === 0 && !hasNul && longest <= LINE_OCTETS_MAX;
  return { isClean, hasNul, highShare: octets.length === 0 ? 0 : high / octets.length };
}
