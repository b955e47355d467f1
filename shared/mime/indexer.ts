/**
 * A message's index in one pass (index-types.ts): the tree, the kept header fields, and from the
 * first octets of its text parts the preview and the full text. Memory and the index's size are bounded
 * whatever the message; nothing throws; no string holds NUL.
 */

import { fieldTokens, SEARCH_BODY_MAX, SEARCH_FIELD_MAX, toIndexText } from '../search.ts';
import { mailboxesOf, parseAddressList } from './addresses.ts';
import { bodyLists, bodyTree, hasAttachment } from './bodylists.ts';
import { decodeGuessed, decodeText } from './charset.ts';
import { parseDate } from './date.ts';
import {
  FIELDS_MAX,
  type HeaderField,
  headerValue,
  headerValues,
  isKeptField,
  keepFields,
  lastHeaderValue,
  parseHeaderBlock,
} from './headers.ts';
import { htmlToText, titlesIn } from './htmlText.ts';
import type { MessageIndex, Part, SearchText } from './index-types.ts';
import { boundedReferences, parseMessageIds } from './messageids.ts';
import { concatOctets, cutText, storable } from './octets.ts';
import { fileName, rawParameter } from './parameters.ts';
import { MessageScanner, type ScanObserver } from './scan.ts';
import { decodeTransfer } from './transfer.ts';
import { decodeWords } from './words.ts';

/** Octets of kept header fields: a listing of 500 messages stays a few MB. */
export const KEPT_HEADERS_MAX = 16 * 1024;
/** Characters of the tree as JSON: the row must stay far below D1's 2 MB, a frame of 32 indexes below 12 MB. */
export const STRUCTURE_MAX = 256 * 1024;
/** Raw octets kept of one text part, and how many text parts are looked into. */
const TEXT_OCTETS_MAX = 64 * 1024;
const TEXT_PARTS_MAX = 8;
/** RFC 8970 §3, RFC 8621 §4.1.4; the subject's bound is ours. */
const PREVIEW_MAX = 256;
const SUBJECT_MAX = 1000;
/** Ids of one Message-ID or In-Reply-To field. */
const IDS_MAX = 20;

/** Feed it all octets of one message, then ask for its index. */
export class MessageIndexer {
  readonly #texts = new TextCapture();
  readonly #scanner = new MessageScanner(this.#texts);
  #size = 0;

  write(chunk: Uint8Array): void {
    this.#size += chunk.length;
    this.#scanner.write(chunk);
  }

  finish(): MessageIndex {
    const structure = this.#scanner.finish();
    const fields = parseHeaderBlock(this.#texts.rootBlock);
    const kept = keepFields(this.#texts.rootBlock, fields, isKeptField, KEPT_HEADERS_MAX);
    const subject = foldSpace(storable(decodeWords(lastHeaderValue(fields, 'subject') ?? '')));
    const bodies = this.#texts.decoded();
    return {
      size: this.#size,
      headers: kept.headers,
      headersComplete: kept.complete && !this.#texts.rootCut,
      structure: boundedStructure(structure, this.#size),
      sentAt: parseDate(lastHeaderValue(fields, 'date') ?? '')?.time ?? null,
      ...threading(fields),
      subject: cutText(subject, SUBJECT_MAX),
      preview: previewOf(structure, bodies),
      hasAttachment: hasAttachment(bodyTree(structure)),
      search: searchText(fields, subject, structure, bodies, !this.#texts.rootCut),
    };
  }
}

/** The index of a message in memory. */
export function indexMessage(bytes: Uint8Array): MessageIndex {
  const indexer = new MessageIndexer();
  indexer.write(bytes);
  return indexer.finish();
}

/** Keeps the beginning of each of the first text parts, and the root's header block. */
class TextCapture implements ScanObserver {
  rootBlock = '';
  rootCut = false;
  readonly #captured = new Map<Part, { chunks: Uint8Array[]; length: number }>();
  #rootSeen = false;

  header(part: Part, block: string): void {
    if (!this.#rootSeen) this.rootBlock = block;
    this.#rootSeen = true;
    for (const known of this.#captured.keys()) if (known.children) this.#captured.delete(known);
    const wanted = part.type === 'text' || part.type === 'multipart';
    if (wanted && this.#captured.size < TEXT_PARTS_MAX) this.#captured.set(part, { chunks: [], length: 0 });
  }

  octets(part: Part, bytes: Uint8Array): void {
    const kept = this.#captured.get(part);
    if (!kept || kept.length >= TEXT_OCTETS_MAX) return;
    const chunk = bytes.slice(0, TEXT_OCTETS_MAX - kept.length);
    kept.chunks.push(chunk);
    kept.length += chunk.length;
  }

  /** Text of the parts, decoded; HTML as its text. */
  decoded(): Map<Part, Body> {
    const texts = new Map<Part, Body>();
    for (const [part, { chunks }] of this.#captured) {
      if (part.type === 'text') texts.set(part, decodeBody(part, concatOctets(chunks)));
    }
    return texts;
  }
}

/** A text part: what people read, and what is found besides. */
interface Body {
  text: string;
  titles: string;
}

function decodeBody(part: Part, raw: Uint8Array): Body {
  const octets = decodeTransfer(raw, part.encoding);
  const charset = rawParameter(part.parameters, 'charset') ?? '';
  const text = storable(charset === '' ? decodeGuessed(octets) : decodeText(octets, charset));
  return part.subtype === 'html' ? { text: htmlToText(text), titles: titlesIn(text) } : { text, titles: '' };
}

function threading(fields: readonly HeaderField[]): Pick<MessageIndex, 'messageId' | 'inReplyTo' | 'references'> {
  const ids = (name: string) => parseMessageIds(lastHeaderValue(fields, name) ?? '').map(storable);
  return {
    messageId: ids('message-id').slice(0, IDS_MAX),
    inReplyTo: ids('in-reply-to').slice(0, IDS_MAX),
    references: boundedReferences(ids('references')),
  };
}

/** A tree that is too large for the index collapses into one text part over the whole body. */
function boundedStructure(root: Part, size: number): Part {
  if (JSON.stringify(root).length <= STRUCTURE_MAX) return root;
  const { headerStart, bodyStart, lines } = root;
  return { headerStart, bodyStart, end: size, lines, type: 'text', subtype: 'plain', parameters: [], encoding: '7bit' };
}

/** The first text that says anything: the plain form before the HTML one. */
function previewOf(root: Part, bodies: Map<Part, Body>): string {
  const { textBody, htmlBody } = bodyLists(bodyTree(root));
  for (const { part } of [...textBody, ...htmlBody]) {
    const text = foldSpace(cutText(bodies.get(part)?.text ?? '', PREVIEW_MAX * 16));
    if (text !== '') return cutText(text, PREVIEW_MAX);
  }
  return '';
}

function searchText(fields: readonly HeaderField[], subject: string, root: Part, bodies: Map<Part, Body>, isComplete: boolean): SearchText {
  const people = (name: string) => toIndexText(storable(headerValues(fields, name).map(peopleText).join(' ')), SEARCH_FIELD_MAX);
  return {
    from: people('from'),
    to: people('to'),
    cc: people('cc'),
    bcc: people('bcc'),
    subject: toIndexText(subject, SEARCH_FIELD_MAX),
    body: toIndexText([...bodies.values()].flatMap(({ text, titles }) => [text, titles]).join('\n'), SEARCH_BODY_MAX),
    attachments: [toIndexText(storable(names(root).join(' ')), SEARCH_FIELD_MAX), unkeptFields(fields, isComplete)].join(' ').trim(),
  };
}

/** Names of the fields that are not kept: what Email/query's `header` looks for in the originals. */
function unkeptFields(fields: readonly HeaderField[], isComplete: boolean): string {
  const names = fields.map(({ name }) => name.toLowerCase()).filter((name) => !isKeptField(name));
  return fieldTokens(names, isComplete && fields.length < FIELDS_MAX);
}

function peopleText(value: string): string {
  return mailboxesOf(parseAddressList(value))
    .map(({ name, email }) => (name ? `${name} ${email}` : email))
    .join(' ');
}

/** File names of all parts, and the subjects of enclosed messages. */
function names(part: Part): string[] {
  const own = fileName(part);
  const subject = part.headers === undefined ? undefined : headerValue(parseHeaderBlock(part.headers), 'subject');
  const found = [...(own ? [own] : []), ...(subject ? [decodeWords(subject)] : [])];
  return found.concat(...(part.children ?? []).map(names));
}

/** White space folded to single spaces, outer gone. */
function foldSpace(text: string): string {
  return text.replace(/[\s\u200b-\u200f\ufeff]+/g, ' ').trim();
}
