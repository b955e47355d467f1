/**
 * Finding out where a message comes from: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489, 9989) and ARC
 * (RFC 8617), computed by mailauth on the octets as they arrived. What comes out is a record: in this
 * version no verdict refuses a message. Never throws; what cannot be found out is a temporary error.
 */
import type { Readable } from 'node:stream';
import { type AuthenticateResult, authenticate, type DKIMResult } from 'mailauth';
import type { AuthResult, Verdicts } from '../../shared/protocol.ts';
import type { Log } from '../log.ts';
import type { Dns, Resolve } from './dns.ts';
import { formatResults, type MethodResult } from './results.ts';

/** Each signature costs a look-up, a hash of the header and perhaps one of the body; honest mail has two or three. */
export const SIGNATURES_MAX = 20;
/** mailauth keeps the header section in memory and canonicalises it once a signature. */
export const VERIFIED_HEADER_MAX = 256 * 1024;
/** Signatures named in our field. */
const SIGNATURES_REPORTED_MAX = 5;

export interface Unverified {
  /** The message as it arrived. */
  octets: () => Buffer | Readable;
  /** Octets of its header section. */
  headerSize: number;
  /** DKIM-Signature and ARC fields in it. */
  signatures: number;
  remoteAddress: string;
  helo: string;
  mailFrom: string;
}

export interface Verification {
  verdicts: Verdicts;
  /** Our Authentication-Results field with its CRLF. */
  field: string;
}

/** Verifies in the name of `hostname`, with the budget `dns` allows. */
export async function verify(message: Unverified, { hostname, dns, log }: { hostname: string; dns: Dns; log: Log }): Promise<Verification> {
  if (message.signatures > SIGNATURES_MAX || message.headerSize > VERIFIED_HEADER_MAX) return unknown(message, hostname, 'permerror');
  const lookups = dns.lookups();
  try {
    return report(await ask(message, hostname, lookups.resolve), message, hostname);
  } catch (error) {
    log.warn('verify.failed', { remoteAddress: message.remoteAddress, mailFrom: message.mailFrom, reason: error });
    return unknown(message, hostname, 'temperror');
  } finally {
    lookups.end();
  }
}

function ask(message: Unverified, hostname: string, resolver: Resolve): Promise<AuthenticateResult> {
  return authenticate(message.octets(), {
    ip: message.remoteAddress,
    helo: message.helo,
    sender: message.mailFrom,
    mta: hostname,
    trustReceived: false,
    disableBimi: true,
    resolver,
  });
}

function report({ spf, dkim, dmarc, arc, dmarcSkipReason }: AuthenticateResult, message: Unverified, hostname: string): Verification {
  const signatures = dkim.results.map((signature) => ({ signature, result: dkimResult(signature) }));
  const verdicts: Verdicts = {
    spf: spf ? toResult(spf.status.result) : 'none',
    dkim: best(signatures.map(({ result }) => result)),
    dmarc: dmarc ? toResult(dmarc.status.result) : dmarcSkipReason === 'multiple-from-fields' ? 'permerror' : 'none',
    arc: arc ? toResult(arc.status.result) : 'none',
  };
  if (dmarc && verdicts.dmarc === 'pass') verdicts.domain = dmarc.domain;
  const from = dmarc ? dmarc.status.header?.from : undefined;
  const results: MethodResult[] = [
    { method: 'spf', result: verdicts.spf, properties: sender(message) },
    ...signatures.slice(0, SIGNATURES_REPORTED_MAX).map(({ signature, result }) => describe(signature, result)),
    { method: 'dmarc', result: verdicts.dmarc, properties: from ? [['header.from', from]] : [] },
    { method: 'arc', result: verdicts.arc, properties: [] },
  ];
  return { verdicts, field: formatResults(hostname, results) };
}

function unknown(message: Unverified, hostname: string, result: AuthResult): Verification {
  const methods = ['spf', 'dkim', 'dmarc', 'arc'] as const;
  const results = methods.map((method): MethodResult => ({ method, result, properties: method === 'spf' ? sender(message) : [] }));
  return { verdicts: { spf: result, dkim: result, dmarc: result, arc: result }, field: formatResults(hostname, results) };
}

/** SPF looks at MAIL FROM, and at HELO when that is empty (RFC 7208 §2.4). */
function sender({ mailFrom, helo }: Unverified): [string, string][] {
  return mailFrom ? [['smtp.mailfrom', mailFrom]] : [['smtp.helo', helo]];
}

function describe({ signingDomain, selector, signature }: DKIMResult, result: AuthResult): MethodResult {
  const properties: [string, string | undefined][] = [
    ['header.d', signingDomain],
    ['header.s', selector],
    ['header.b', signature?.slice(0, 8)],
  ];
  return { method: 'dkim', result, properties: properties.filter((property): property is [string, string] => Boolean(property[1])) };
}

/** A body that does not match is a failed signature (RFC 8601 §2.7.1), which mailauth reports as neutral. */
function dkimResult({ status }: DKIMResult): AuthResult {
  return status.result === 'neutral' && /^body hash/.test(status.comment ?? '') ? 'fail' : toResult(status.result);
}

/** The best first: one good signature is enough, and a look-up that failed might have been one. */
const PRECEDENCE: readonly AuthResult[] = ['pass', 'temperror', 'fail', 'softfail', 'policy', 'permerror', 'neutral', 'none'];

function best(results: AuthResult[]): AuthResult {
  return PRECEDENCE.find((result) => results.includes(result)) ?? 'none';
}

function toResult(result: string): AuthResult {
  return PRECEDENCE.find((known) => known === result) ?? (result === 'temperr' ? 'temperror' : 'none');
}
