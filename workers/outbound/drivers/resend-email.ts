/**
 * A message as Resend's `POST /emails` takes it: structured JSON, not MIME. Its text and HTML are decoded, every other
 * part is an attachment, the fields that thread it (RFC 5322 §3.6.4) and people's own go along as headers. The JSON is
 * made as a stream: the body is read twice, once for its structure and once for its octets, and never held.
 * What Resend cannot carry is lost here: signatures and encryption of MIME parts (RFC 1847), and the names of recipients
 * who were reached without the relay.
 */
import { type BodyLists, bodyLists, bodyTree } from '../../../shared/mime/bodylists.ts';
import { decodeText } from '../../../shared/mime/charset.ts';
import { lastHeaderValue, parseHeaderBlock } from '../../../shared/mime/headers.ts';
import type { Part } from '../../../shared/mime/index-types.ts';
import { byteString, concatOctets, rawString } from '../../../shared/mime/octets.ts';
import { decodeParameter, fileName } from '../../../shared/mime/parameters.ts';
import { MessageScanner } from '../../../shared/mime/scan.ts';
import { decodeTransfer, transferDecoder } from '../../../shared/mime/transfer.ts';
import { decodeWords } from '../../../shared/mime/words.ts';
import { type LeavingMessage, leavingChunks } from '../leaving.ts';
import { addressTexts, splitRecipients } from './resend-addresses.ts';
import { passedHeaders, withoutControls } from './resend-headers.ts';

/** Octets of text that go as text; what is beyond is attached, because text has to be decoded as a whole. */
const TEXT_OCTETS_MAX = 2 * 1024 * 1024;
/** Resend takes Content-IDs below 128 characters; a part with a longer one is attached without. */
const CONTENT_ID_MAX = 127;
const FILE_NAME_MAX = 255;

type Octets = Uint8Array<ArrayBuffer>;
const UTF8 = new TextEncoder();

/** The request's body, the same at every attempt. */
export async function* emailJson(message: LeavingMessage): AsyncGenerator<Octets> {
  const fields = parseHeaderBlock(byteString(message.header));
  const root = await scan(message);
  const lists = bodyLists(bodyTree(root));
  const texts = textParts(lists);
  const from = addressTexts(lastHeaderValue(fields, 'from'))[0] ?? message.envelope.mailFrom;
  const replyTo = addressTexts(lastHeaderValue(fields, 'reply-to'));
  const email = {
    from,
    ...splitRecipients(message.envelope.rcptTo, fields, from),
    subject: withoutControls(decodeWords(lastHeaderValue(fields, 'subject') ?? '')),
    ...(replyTo.length > 0 ? { reply_to: replyTo } : {}),
    headers: passedHeaders(fields),
  };
  yield UTF8.encode(JSON.stringify(email).slice(0, -1));
  const decoded = new Map<Part, string>();
  yield* attachments(message, root, texts, decoded);
  yield UTF8.encode(`,${JSON.stringify(bodies(lists, decoded)).slice(1)}`);
}

async function scan(message: LeavingMessage): Promise<Part> {
  const scanner = new MessageScanner();
  for await (const chunk of leavingChunks(message)) scanner.write(chunk);
  return scanner.finish();
}

/** The parts that are the message's text (RFC 8621 §4.1.4), as far as they are short enough. */
function textParts({ textBody, htmlBody }: BodyLists): Set<Part> {
  const chosen = new Set<Part>();
  let left = TEXT_OCTETS_MAX;
  for (const { part } of [...textBody, ...htmlBody]) {
    const size = part.end - part.bodyStart;
    if (chosen.has(part) || part.type !== 'text' || !['plain', 'html'].includes(part.subtype) || size > left) continue;
    chosen.add(part);
    left -= size;
  }
  return chosen;
}

function bodies({ textBody, htmlBody }: BodyLists, decoded: ReadonlyMap<Part, string>): { text?: string; html?: string } {
  const has = ({ part }: { part: Part }) => decoded.has(part);
  const plain = textBody.filter(has);
  const shown = htmlBody.filter(has);
  const html = shown.some(({ part }) => part.subtype === 'html') ? shown.map(({ part }) => asHtml(part, decoded)).join('\n') : '';
  const text = plain.every(({ part }) => part.subtype === 'plain') ? plain.map(({ part }) => decoded.get(part) ?? '').join('\n') : '';
  // Resend wants one of both, and makes the text of the HTML where there is none.
  if (html.trim() === '') return { text: text || '\n' };
  return text === '' ? { html } : { html, text };
}

/** A plain part among HTML ones keeps its lines. */
function asHtml(part: Part, decoded: ReadonlyMap<Part, string>): string {
  const text = decoded.get(part) ?? '';
  if (part.subtype === 'html') return text;
  return `<div style="white-space: pre-wrap">${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}</div>`;
}

/** `,"attachments":[…]`, in the order of the message; texts met on the way are decoded into `decoded`. */
async function* attachments(
  message: LeavingMessage,
  root: Part,
  texts: ReadonlySet<Part>,
  decoded: Map<Part, string>,
): AsyncGenerator<Octets> {
  const reader = new RangeReader(leavingChunks(message));
  let count = 0;
  for (const part of leaves(root)) {
    const octets = reader.range(part.bodyStart, part.end);
    if (texts.has(part)) {
      decoded.set(part, await decodedText(part, octets));
      continue;
    }
    count++;
    yield UTF8.encode(`${count === 1 ? ',"attachments":[' : ','}${JSON.stringify(facts(part, count)).slice(0, -1)},"content":"`);
    yield* encoded(octets, part.encoding);
    yield UTF8.encode('"}');
  }
  await reader.end();
  if (count > 0) yield UTF8.encode(']');
}

/** Parts without parts of their own; an enclosed message is one. */
function leaves(part: Part): Part[] {
  return part.type === 'multipart' && part.children?.length ? part.children.flatMap(leaves) : [part];
}

async function decodedText(part: Part, octets: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of octets) chunks.push(chunk);
  const charset = decodeParameter(part.parameters, 'charset') ?? 'us-ascii';
  return decodeText(decodeTransfer(concatOctets(chunks), part.encoding), charset).toWellFormed();
}

/** Name, type and Content-ID. Of the type's parameters those go along that say how to read it. */
function facts(part: Part, number: number): Record<string, string> {
  const isMessage = part.type === 'message';
  const name = withoutControls(fileName(part) ?? '').slice(0, FILE_NAME_MAX);
  const id = byteString(UTF8.encode(part.id?.replace(/^\s*<|>\s*$/g, '') ?? ''));
  const parameters = ['charset', 'method'].flatMap((key) => {
    const value = decodeParameter(part.parameters, key);
    return part.type === 'text' && value && /^[\w.:-]{1,60}$/.test(value) ? `; ${key}=${value}` : [];
  });
  return {
    filename: name.trim() || (isMessage ? `message-${number}.eml` : `part-${number}`),
    content_type: `${part.type}/${part.subtype}${parameters.join('')}`,
    ...(/^[!-~]+$/.test(id) && id.length <= CONTENT_ID_MAX ? { content_id: id } : {}),
  };
}

/** Base64 without line breaks. Resend takes no empty file, so that becomes one line break. */
async function* encoded(octets: AsyncIterable<Uint8Array>, encoding: string): AsyncGenerator<Octets> {
  const decoder = transferDecoder(encoding);
  let rest = new Uint8Array();
  let isEmpty = true;
  const take = (decodedOctets: Uint8Array, isLast: boolean) => {
    const joined = concatOctets([rest, decodedOctets]);
    const length = isLast ? joined.length : joined.length - (joined.length % 3);
    rest = joined.slice(length);
    isEmpty &&= length === 0;
    return UTF8.encode(btoa(rawString(joined, 0, length)));
  };
  for await (const chunk of octets) yield take(decoder.write(chunk), false);
  yield take(decoder.finish(), true);
  if (isEmpty) yield UTF8.encode(btoa('\n'));
}

/** Ranges of a stream, asked for in order; each is to be read to its end before the next. */
class RangeReader {
  readonly #chunks: AsyncGenerator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();
  /** Where `#chunk` begins. */
  #at = 0;

  constructor(chunks: AsyncGenerator<Uint8Array>) {
    this.#chunks = chunks;
  }

  async *range(start: number, end: number): AsyncGenerator<Uint8Array> {
    for (let from = start; from < end; ) {
      if (this.#at + this.#chunk.length <= from) {
        const { done, value } = await this.#chunks.next();
        if (done) return;
        this.#at += this.#chunk.length;
        this.#chunk = value;
        continue;
      }
      const piece = this.#chunk.subarray(from - this.#at, end - this.#at);
      from += piece.length;
      yield piece;
    }
  }

  async end(): Promise<void> {
    await this.#chunks.return(undefined);
  }
}
