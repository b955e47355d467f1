/** Reading a submit request (protocol.ts), field by field. */
import { integer, type Reader, record, sha256, text } from './fields.ts';
import { readEnvelope } from './ingest-request.ts';
import { readMessageIndex } from './message-index.ts';
import { INLINE_MESSAGE_MAX, type SubmitRequest } from './protocol.ts';

/** Throws `Malformed`. */
export const readSubmitRequest: Reader<SubmitRequest> = record((field) => ({
  id: field('id', text(100, /^[\w-]+$/)),
  envelope: field('envelope', readEnvelope),
  sha256: field('sha256', sha256),
  inline: field('inline', integer(0, INLINE_MESSAGE_MAX)),
  index: field('index', readMessageIndex),
}));
