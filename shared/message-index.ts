/**
 * Reading a `MessageIndex` that a receiver sent: the Worker trusts its shape no more than any other input, because a
 * stolen receiver key can send it (DESIGN.md, invariant 6). Bounds are those of the indexer, with room.
 */
import { flag, integer, list, Malformed, nullable, octets, optional, pair, type Reader, record, text, time } from './fields.ts';
import type { MessageIndex, Part, SearchText } from './mime/index-types.ts';

/** Octets of one message: far above any limit in use. */
const SIZE_MAX = 2 ** 40;
/** The scanner stops at 100 levels and 1,000 parts. */
const DEPTH_MAX = 101;
const PARTS_MAX = 1001;
/** The indexer keeps 16 KB. */
const HEADERS_MAX = 64 * 1024;
/** The indexer stops at 100 parameters of one field. */
const PARAMETERS_MAX = 1000;
/** The indexer keeps 256 KB; D1 takes rows of 2 MB. */
const STRUCTURE_MAX = 400 * 1024;
const SEARCH_MAX = 128 * 1024;
const MESSAGE_IDS_MAX = 100;
/** A Message-ID; the indexer cuts longer ones. */
const MESSAGE_ID_MAX = 2000;

/** No string of a structure is bounded but by the whole. */
const line = octets(STRUCTURE_MAX);
const parameters = list(pair(line, line), PARAMETERS_MAX);

const readSearch: Reader<SearchText> = record((field) => ({
  from: field('from', text(SEARCH_MAX)),
  to: field('to', text(SEARCH_MAX)),
  cc: field('cc', text(SEARCH_MAX)),
  bcc: field('bcc', text(SEARCH_MAX)),
  subject: field('subject', text(SEARCH_MAX)),
  body: field('body', text(SEARCH_MAX)),
  attachments: field('attachments', text(SEARCH_MAX)),
}));

/** Reads a part and its children; `budget` counts parts down over the whole tree. */
function readPart(size: number, budget: { parts: number }, depth: number): Reader<Part> {
  return (value, path) => {
    if (--budget.parts < 0 || depth > DEPTH_MAX) throw new Malformed(path, 'fewer or shallower parts');
    const offset = integer(0, size);
    return record((field) => {
      const part: Part = {
        headerStart: field('headerStart', offset),
        bodyStart: field('bodyStart', offset),
        end: field('end', offset),
        lines: field('lines', integer(0, size)),
        type: field('type', line),
        subtype: field('subtype', line),
        parameters: field('parameters', parameters),
        encoding: field('encoding', line),
      };
      if (part.headerStart > part.bodyStart || part.bodyStart > part.end) throw new Malformed(path, 'offsets in order');
      return withPresent(part, {
        id: field('id', optional(line)),
        description: field('description', optional(line)),
        md5: field('md5', optional(line)),
        disposition: field('disposition', optional(readDisposition)),
        language: field('language', optional(list(line, PARAMETERS_MAX))),
        location: field('location', optional(line)),
        decodedSize: field('decodedSize', optional(integer(0, size))),
        headers: field('headers', optional(line)),
        children: field('children', optional(list(readPart(size, budget, depth + 1), PARTS_MAX))),
      });
    })(value, path);
  };
}

const readDisposition = record((field) => ({ value: field('value', line), parameters: field('parameters', parameters) }));

function withPresent(part: Part, more: Partial<Part>): Part {
  return Object.assign(part, Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined)));
}

/** Throws `Malformed`. */
export const readMessageIndex: Reader<MessageIndex> = (value, path) => {
  const index = record((field) => {
    const size = field('size', integer(0, SIZE_MAX));
    return {
      size,
      headers: field('headers', octets(HEADERS_MAX)),
      headersComplete: field('headersComplete', flag),
      structure: field('structure', readPart(size, { parts: PARTS_MAX }, 0)),
      sentAt: field('sentAt', nullable(time)),
      messageId: field('messageId', list(text(MESSAGE_ID_MAX), MESSAGE_IDS_MAX)),
      inReplyTo: field('inReplyTo', list(text(MESSAGE_ID_MAX), MESSAGE_IDS_MAX)),
      references: field('references', list(text(MESSAGE_ID_MAX), MESSAGE_IDS_MAX)),
      subject: field('subject', text(1000)),
      preview: field('preview', text(256)),
      hasAttachment: field('hasAttachment', flag),
      search: field('search', readSearch),
    };
  })(value, path);
  if (JSON.stringify(index.structure).length > STRUCTURE_MAX) throw new Malformed(path, 'a smaller structure');
  return index;
};
