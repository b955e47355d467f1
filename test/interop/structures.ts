/**
 * ENVELOPE and BODYSTRUCTURE of one message by two servers, compared (RFC 9051 §7.5.2). Media types, encodings, names of parameters and charsets
 * are the same in any case (RFC 2045 §5.1); everything else has to be equal to the octet.
 */
import type { ImapValue } from '../support/imap-values.ts';

export interface Facts {
  envelope: ImapValue[];
  structure: ImapValue[];
}

const FIELDS = ['Date', 'Subject', 'From', 'Sender', 'Reply-To', 'To', 'Cc', 'Bcc', 'In-Reply-To', 'Message-ID'];

/** The names of the envelope's fields that differ, and `BODYSTRUCTURE` when that does. */
export function differences(ours: Facts, theirs: Facts): string[] {
  const fields = FIELDS.filter((_field, index) => text(ours.envelope[index]) !== text(theirs.envelope[index]));
  return text(foldPart(ours.structure)) === text(foldPart(theirs.structure)) ? fields : [...fields, 'BODYSTRUCTURE'];
}

function text(value: ImapValue | undefined): string {
  return JSON.stringify(value ?? null);
}

/** Where in a part's list which kind of value stands: multiparts begin with their parts. */
function foldPart(part: ImapValue[]): ImapValue[] {
  const first = part.findIndex((value) => !Array.isArray(value));
  if (first > 0) {
    const [subtype, parameters, disposition, ...rest] = part.slice(first);
    const parts = part.slice(0, first).map((child) => (Array.isArray(child) ? foldPart(child) : child));
    return [...parts, fold(subtype), foldParameters(parameters), foldDisposition(disposition), ...rest];
  }
  const [type, subtype, parameters, id, description, encoding, size, ...rest] = part;
  const head = [fold(type), fold(subtype), foldParameters(parameters), id ?? null, description ?? null, fold(encoding), size ?? null];
  return [...head, ...foldRest(rest)];
}

/** What follows the size: an enclosed message's envelope and structure, lines, MD5, disposition, language, location. */
function foldRest(rest: ImapValue[]): ImapValue[] {
  const [envelope, enclosed, ...more] = rest;
  if (Array.isArray(envelope) && Array.isArray(enclosed)) return [envelope, foldPart(enclosed), ...foldRest(more)];
  return rest.map((value) => (Array.isArray(value) ? foldDisposition(value) : value));
}

function foldDisposition(value: ImapValue | undefined): ImapValue {
  if (!Array.isArray(value)) return value ?? null;
  const [name, parameters, ...rest] = value;
  return [fold(name), foldParameters(parameters), ...rest];
}

function foldParameters(parameters: ImapValue | undefined): ImapValue {
  if (!Array.isArray(parameters)) return parameters ?? null;
  return parameters.map((value, index) => {
    const isName = index % 2 === 0;
    const isCharset = !isName && fold(parameters[index - 1]) === 'charset';
    return isName || isCharset ? fold(value) : value;
  });
}

function fold(value: ImapValue | undefined): ImapValue {
  return typeof value === 'string' ? value.toLowerCase() : (value ?? null);
}
