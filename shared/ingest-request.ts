/**
 * Reading an ingest request (protocol.ts), field by field. A malformed frame refuses the call; an index that cannot be taken
 * refuses its message alone, so that one defect does not keep other mail waiting.
 */
import { integer, list, Malformed, oneOf, optional, type Reader, record, sha256, text, time } from './fields.ts';
import { readMessageIndex } from './message-index.ts';
import type { MessageIndex } from './mime/index-types.ts';
import { type AuthResult, type Envelope, INGEST_PAIRS_MAX, INLINE_MESSAGE_MAX, type IngestMessage, type Verdicts } from './protocol.ts';

/** RFC 5321 §4.5.3.1.3: a path has at most 256 octets; a little room for what others send. */
const address = text(320);

const RESULTS: readonly AuthResult[] = ['none', 'neutral', 'pass', 'fail', 'softfail', 'policy', 'temperror', 'permerror'];
const result = oneOf(RESULTS);

const readVerdicts: Reader<Verdicts> = record((field) => {
  const domain = field('domain', optional(text(255)));
  const results = { spf: field('spf', result), dkim: field('dkim', result), dmarc: field('dmarc', result), arc: field('arc', result) };
  return domain === undefined ? results : { ...results, domain };
});

/** RFC 5321 envelope; at least one recipient. */
export const readEnvelope: Reader<Envelope> = record((field) => ({
  mailFrom: field('mailFrom', address),
  rcptTo: field('rcptTo', list(address, 1000, 1)),
}));

/** A message as it was read; `fault` says what is wrong with an index that could not be taken. */
export type FaultyMessage = Omit<IngestMessage, 'index'> & { index: null; fault: string };
export type ReadMessage = IngestMessage | FaultyMessage;

const readIndex: Reader<{ index: MessageIndex } | { index: null; fault: string }> = (value, path) => {
  try {
    return { index: readMessageIndex(value, path) };
  } catch (error) {
    if (error instanceof Malformed) return { index: null, fault: error.message };
    throw error;
  }
};

const readMessage: Reader<ReadMessage> = record((field) => ({
  spoolId: field('spoolId', text(29, /^[0-9a-f]{12}-[0-9a-f]{16}$/)),
  inline: field('inline', integer(0, INLINE_MESSAGE_MAX)),
  sha256: field('sha256', sha256),
  envelope: field('envelope', readEnvelope),
  receivedAt: field('receivedAt', time),
  remoteAddress: field('remoteAddress', text(64)),
  helo: field('helo', text(512)),
  verdicts: field('verdicts', readVerdicts),
  ...field('index', readIndex),
}));

/** Throws `Malformed`. */
export const readIngestRequest: Reader<{ messages: ReadMessage[] }> = record((field) => ({
  messages: field('messages', list(readMessage, INGEST_PAIRS_MAX, 1)),
}));
