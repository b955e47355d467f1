/**
 * What the edge's refusals of an operation mean to an IMAP client: response codes of RFC 5530 and RFC 9051 §7.1.
 */
import type { Operation, OperationError, OperationResult } from '../../shared/protocol.ts';
import { Refusal } from '../imap/session.ts';
import type { ResponseCode } from '../imap/wire/codes.ts';
import type { Mirror } from './mirror.ts';

const CODES: Record<OperationError, ResponseCode> = {
  notFound: 'NONEXISTENT',
  alreadyExists: 'ALREADYEXISTS',
  mailboxHasChild: 'HASCHILDREN',
  mailboxHasEmail: 'CANNOT',
  forbidden: 'NOPERM',
  overQuota: 'OVERQUOTA',
  blobNotFound: 'UNAVAILABLE',
  tooLarge: 'TOOBIG',
  invalid: 'CANNOT',
};
const TEXTS: Record<OperationError, string> = {
  notFound: 'No such mailbox',
  alreadyExists: 'The mailbox exists',
  mailboxHasChild: 'The mailbox has children',
  mailboxHasEmail: 'The mailbox holds mail',
  forbidden: 'Not permitted',
  overQuota: 'Not enough room',
  blobNotFound: 'The message did not arrive, try again',
  tooLarge: 'The message is too large',
  invalid: 'The mail store does not take this',
};

type Accepted = Extract<OperationResult, { ok: true }>;
type Codes = Partial<Record<OperationError, ResponseCode>>;

/** The target of COPY, MOVE and APPEND is what was not found (RFC 9051 §6.3.12). */
export const tryCreate: Codes = { notFound: 'TRYCREATE' };

/** Annotations are bounded in number and in all (shared/metadata.ts). */
export const metadataErrors: Codes = { tooLarge: 'METADATA TOOMANY', notFound: 'NONEXISTENT' };

/** What STORE asks for may be too much for one message: 64 keywords (shared/flags.ts). */
export const storeErrors: Codes = { tooLarge: 'LIMIT', notFound: 'EXPUNGEISSUED' };

/** Submits one operation and waits until the mirror shows it. Throws `Refusal`; `codes` overrides what an error means here. */
export async function submit(mirror: Mirror, operation: Operation, codes: Codes = {}): Promise<Accepted> {
  return accept(await mirror.commits.submit(operation).catch((error: unknown) => mirror.refuse(error)), codes);
}

/** The same for several operations that are done together or not at all. */
export async function submitTogether(mirror: Mirror, operations: Operation[], codes: Codes = {}): Promise<Accepted[]> {
  const writes = operations.map((operation) => ({ operation, payload: null }));
  const results = await mirror.commits.submitTogether(writes).catch((error: unknown) => mirror.refuse(error));
  return results.map((result) => accept(result, codes));
}

/** A result that is none becomes a `Refusal`. */
export function accept(result: OperationResult, codes: Codes = {}): Accepted {
  if (result.ok) return result;
  throw new Refusal(codes[result.error] ?? CODES[result.error] ?? null, TEXTS[result.error] ?? 'The mail store refused this');
}
