/**
 * What IMAP makes of the tree: part numbers and sections (RFC 9051 §6.4.5.1) as ranges of the
 * original, BODY and BODYSTRUCTURE (§7.5.2) as finished wire text. Sizes are those of the encoded
 * body. A message/rfc822 that was not opened, being encoded, is sent as application/octet-stream,
 * because the syntax wants an envelope of the other.
 */
import { envelopeWire } from './envelope.ts';
import type { Part } from './index-types.ts';
import { joinContinuations } from './parameters.ts';
import { imapList, imapNstring, imapString } from './wire.ts';

export type SectionKind = 'body' | 'mime' | 'header' | 'text';
export interface OctetRange {
  offset: number;
  length: number;
}

/** The part of that number, `1.2`; the root for an empty one. Undefined when there is none. */
export function partAt(root: Part, number: string): Part | undefined {
  return number === '' ? root : walk(root, number.split('.').map(Number));
}

/** Every part that has a number, in the order of the tree: of a multipart root its children and theirs. */
export function numberedParts(root: Part): [string, Part][] {
  return isMultipart(root) ? childrenOf(root, '') : [['1', root], ...childrenOf(root, '1')];
}

function childrenOf(part: Part, number: string): [string, Part][] {
  const [message] = part.children ?? [];
  if (!isMultipart(part) && message && isMultipart(message)) return childrenOf(message, number);
  return (part.children ?? []).flatMap((child, index): [string, Part][] => {
    const own = number === '' ? String(index + 1) : `${number}.${index + 1}`;
    return [[own, child], ...childrenOf(child, own)];
  });
}

/** Where a section lies; null when the message has no such section (NIL on the wire). */
export function sectionRange(root: Part, section: readonly number[], kind: SectionKind): OctetRange | null {
  if (section.length === 0) return messageRange(root, kind);
  const part = walk(root, section);
  if (!part) return null;
  if (kind === 'body') return range(part.bodyStart, part.end);
  if (kind === 'mime') return range(part.headerStart, part.bodyStart);
  const message = isMultipart(part) ? undefined : part.children?.[0];
  return message ? messageRange(message, kind) : null;
}

function messageRange(message: Part, kind: SectionKind): OctetRange | null {
  if (kind === 'body') return range(message.headerStart, message.end);
  if (kind === 'header') return range(message.headerStart, message.bodyStart);
  return kind === 'text' ? range(message.bodyStart, message.end) : null;
}

function range(start: number, end: number): OctetRange {
  return { offset: start, length: Math.max(0, end - start) };
}

/** Part numbers count the children of a multipart; of anything else part 1 is its own body. */
function walk(root: Part, section: readonly number[]): Part | undefined {
  let message: Part | undefined = root;
  let part: Part | undefined;
  for (const number of section) {
    const container: Part | undefined = part && isMultipart(part) ? part : message;
    if (!container) return undefined;
    part = isMultipart(container) ? container.children?.[number - 1] : number === 1 ? container : undefined;
    if (!part) return undefined;
    message = isMultipart(part) ? undefined : part.children?.[0];
  }
  return part;
}

function isMultipart(part: Part): boolean {
  return part.type === 'multipart';
}

// ---------------------------------------------------------------- wire text

/** BODYSTRUCTURE (`extensible`) or BODY, parentheses included; a byte string that may hold literals. */
export function bodyStructureWire(part: Part, extensible: boolean): string {
  return isMultipart(part) ? multipartWire(part, extensible) : leafWire(part, extensible);
}

function multipartWire(part: Part, extensible: boolean): string {
  const children = (part.children ?? []).map((child) => bodyStructureWire(child, extensible)).join('');
  const extension = extensible ? ` ${parametersWire(part.parameters)} ${extensionWire(part)}` : '';
  return `(${children} ${imapString(part.subtype)}${extension})`;
}

function leafWire(part: Part, extensible: boolean): string {
  const enclosed = part.children?.[0];
  const [type, subtype] = mediaType(part);
  const items = [
    imapString(type),
    imapString(subtype),
    parametersWire(withCharset(part)),
    imapNstring(part.id),
    imapNstring(part.description),
    imapString(part.encoding),
    String(Math.max(0, part.end - part.bodyStart)),
  ];
  if (enclosed) items.push(envelopeWire(enclosed.headers ?? ''), bodyStructureWire(enclosed, extensible));
  if (enclosed || type === 'text') items.push(String(part.lines));
  if (extensible) items.push(imapNstring(part.md5), extensionWire(part));
  return `(${items.join(' ')})`;
}

function mediaType(part: Part): [string, string] {
  const unopened = part.type === 'message' && (part.subtype === 'rfc822' || part.subtype === 'global') && !part.children;
  return unopened ? ['application', 'octet-stream'] : [part.type, part.subtype];
}

/** Text without charset is US-ASCII (RFC 2045 §5.2), and clients are told so. */
function withCharset({ type, parameters }: Part): [string, string][] {
  if (type !== 'text' || parameters.some(([name]) => name.startsWith('charset'))) return parameters;
  return [...parameters, ['charset', 'us-ascii']];
}

/** Continuations are joined, as servers should (RFC 2231 §6). */
function parametersWire(parameters: readonly [string, string][]): string {
  return imapList(joinContinuations(parameters).map(([name, value]) => `${imapString(name)} ${imapString(value)}`));
}

/** body-fld-dsp, body-fld-lang, body-fld-loc: the end of both kinds of extension data. */
function extensionWire({ disposition, language, location }: Part): string {
  const how = disposition ? `(${imapString(disposition.value)} ${parametersWire(disposition.parameters)})` : 'NIL';
  return `${how} ${imapList((language ?? []).map(imapString))} ${imapNstring(location)}`;
}
