/**
 * The Email a client wants made (RFC 8621 §4.6): checked against every rule there, and turned into a plan
 * of header fields and parts. What the parts hold is named, not read: `build.ts` is given the octets.
 */
import { isKeyword, KEYWORDS_PER_EMAIL_MAX } from '../../flags.ts';
import { MAILBOXES_PER_EMAIL_MAX } from '../capabilities.ts';
import { readUtcDate } from '../dates.ts';
import type { Json, SetError } from '../errors.ts';
import { invalidProperties, ShapeError } from '../errors.ts';
import { decodeId } from '../ids.ts';
import type { Reader } from '../readers.ts';
import { mapOf, nullable, optional, own, readBoolean, readId, readObject, readString, recordOf, setOf } from '../readers.ts';
import { realId } from '../set.ts';
import { headerOf, writeProperty } from './header-writing.ts';
import type { Attempt, PartPlan } from './part-plan.ts';
import { readBodyStructure, readFlatBody } from './part-plan.ts';

/** What is to be made. */
export interface EmailCreation {
  mailboxes: number[];
  keywords: string[];
  /** Epoch milliseconds; null for now. */
  receivedAt: number | null;
  /** Finished fields without their line breaks, in the client's order. */
  fields: string[];
  body: PartPlan;
}

const PLAIN = ['mailboxIds', 'keywords', 'receivedAt', 'bodyStructure', 'bodyValues', 'textBody', 'htmlBody', 'attachments'];

const readKeyword: Reader<string> = (value, path) => {
  const keyword = readString(value, path).toLowerCase();
  if (!isKeyword(keyword)) throw new ShapeError(path, 'must be a keyword');
  return keyword;
};

/** A `keywords` value; each once, lower case. */
export const readKeywords: Reader<string[]> = (value, path) => [...new Set(setOf(readKeyword)(value, path))].sort();

/** A `mailboxIds` value as integers; `createdIds` for those made in the same request. At least one. */
export function mailboxIdsReader(createdIds: ReadonlyMap<string, string>): Reader<number[]> {
  return (value, path) => {
    const ids = setOf(readId)(value, path).map((id) => decodeId('Mailbox', realId(id, createdIds)));
    const known = ids.filter((id) => id !== null);
    if (known.length === 0 || known.length < ids.length) throw new ShapeError(path, 'must name one mailbox or more, each of them there');
    return [...new Set(known)];
  };
}

const readBodyValue = recordOf({
  value: readString,
  isEncodingProblem: optional(readBoolean, false),
  isTruncated: optional(readBoolean, false),
});

/** Too many of something, where the RFC has an error of its own for it. */
export function countError(keywords: readonly string[], mailboxes: readonly number[]): SetError | null {
  if (keywords.length > KEYWORDS_PER_EMAIL_MAX) return { type: 'tooManyKeywords' };
  return mailboxes.length > MAILBOXES_PER_EMAIL_MAX ? { type: 'tooManyMailboxes' } : null;
}

/** Faults told to the client at a time. */
const FAULTS_SHOWN = 5;

/** Reads a creation; the SetError names every property that is wrong. */
export function readCreation(record: Json, createdIds: ReadonlyMap<string, string>): EmailCreation | SetError {
  const wrong = new Set<string>();
  const faults: string[] = [];
  const attempt: Attempt = (property, read, fallback) => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      wrong.add(property);
      faults.push(error.message);
      return fallback;
    }
  };
  const value = <T>(name: string, reader: Reader<T>, fallback: T) => attempt(name, () => reader(own(record, name), name), fallback);
  const mailboxes = value('mailboxIds', mailboxIdsReader(createdIds), []);
  const keywords = value('keywords', optional(readKeywords, []), []);
  const receivedAt = value('receivedAt', nullable(readUtcDate), null);
  const { fields, names } = readFields(record, attempt);
  const texts = value('bodyValues', nullable(mapOf(readText)), null) ?? new Map<string, string>();
  const body = wrong.has('bodyValues') ? null : readBody(record, texts, names, attempt);
  if (wrong.size > 0 || body === null) return invalidProperties([...wrong], faults.slice(0, FAULTS_SHOWN).join('; '));
  return countError(keywords, mailboxes) ?? { mailboxes, keywords, receivedAt, fields, body };
}

const readText: Reader<string> = (value, path) => {
  const text = readBodyValue(value, path);
  if (text.isEncodingProblem || text.isTruncated) throw new ShapeError(path, 'must be whole');
  return text.value;
};

/** The header fields of the Email itself. A field set twice, or one that belongs to a part, is wrong. */
function readFields(record: Json, attempt: Attempt): { fields: string[]; names: Set<string> } {
  const fields: string[] = [];
  const names = new Set<string>();
  for (const [property, value] of Object.entries(record)) {
    if (PLAIN.includes(property)) continue;
    attempt(
      property,
      () => {
        const { name } = headerOf(property);
        if (names.has(name)) throw new ShapeError(property, 'is set twice');
        if (name.startsWith('content-') || name === 'mime-version') throw new ShapeError(property, 'belongs to a part');
        names.add(name);
        fields.push(...writeProperty(property, value));
      },
      undefined,
    );
  }
  return { fields, names };
}

function readBody(record: Json, texts: ReadonlyMap<string, string>, names: ReadonlySet<string>, attempt: Attempt): PartPlan | null {
  const structure = attempt('bodyStructure', () => nullable(readObject)(own(record, 'bodyStructure'), 'bodyStructure'), null);
  if (structure === null) return readFlatBody(record, texts, attempt);
  for (const name of FLAT) if (own(record, name) != null) attempt(name, () => refuse(name), null);
  return attempt('bodyStructure', () => readBodyStructure(structure, texts, names), null);
}

const FLAT = ['textBody', 'htmlBody', 'attachments'];

function refuse(name: string): never {
  throw new ShapeError(name, 'cannot stand beside bodyStructure');
}
