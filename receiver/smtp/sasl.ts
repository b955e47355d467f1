/**
 * AUTH mechanisms that prove without a password (RFC 4954): SCRAM-SHA-256 and -PLUS (RFC 7677), OAUTHBEARER (RFC 7628), by the same
 * pieces as IMAP (receiver/sasl). smtp-server knows none of them; internals.ts lets them speak.
 */
import { EdgeUnavailable } from '../edge.ts';
import type { LoggedIn, ProofLogin } from '../login.ts';
import { BEARER_FAILURE, readBearer } from '../sasl/bearer.ts';
import { isBoundFinal, readClientFirst } from '../sasl/scram.ts';
import { Reply } from './reply.ts';

/** Characters of base64 in one line of an exchange. */
const RESPONSE_MAX = 6144;

export interface Exchange {
  login: ProofLogin;
  /** Key material of the TLS channel (RFC 9266); null without TLS 1.3. */
  exporter: Uint8Array | null;
  /** The initial response as sent, null without one. */
  initial: string | null;
  /** Sends 334 with this text and waits for the next line. */
  ask(text: string): Promise<string>;
}

type Mechanism = (exchange: Exchange) => Promise<LoggedIn>;

const MECHANISMS: Record<string, Mechanism> = {
  'SCRAM-SHA-256-PLUS': (exchange) => scram(exchange, true),
  'SCRAM-SHA-256': (exchange) => scram(exchange, false),
  OAUTHBEARER: bearer,
};

/** Names for EHLO, in our order of preference. */
export function proofMechanisms(exporter: Uint8Array | null): string[] {
  return Object.keys(MECHANISMS).filter((name) => exporter !== null || !name.endsWith('-PLUS'));
}

/** Undefined: no mechanism of ours. */
export function findMechanism(name: string, exporter: Uint8Array | null): Mechanism | undefined {
  return proofMechanisms(exporter).includes(name) ? MECHANISMS[name] : undefined;
}

/** Runs an exchange. Throws a `Reply` whatever goes wrong. */
export async function runMechanism(mechanism: Mechanism, exchange: Exchange): Promise<LoggedIn> {
  try {
    return await mechanism(exchange);
  } catch (error) {
    if (error instanceof Reply) throw error;
    throw new Reply(454, '4.7.0', error instanceof EdgeUnavailable ? 'logins cannot be checked now, try again later' : 'try again later');
  }
}

async function scram(exchange: Exchange, plus: boolean): Promise<LoggedIn> {
  const first = readClientFirst(await response(exchange), { plus, exporter: exchange.exporter });
  if (typeof first === 'string') throw wrong(first);
  const passed = await exchange.login.scram(first.username, first.bare);
  const final = decode(await exchange.ask(passed.serverFirst));
  const proven = isBoundFinal(final, first) ? await passed.finish(final) : null;
  if (!proven) throw wrong('wrong name or password');
  if (decode(await exchange.ask(proven.serverFinal)) !== '') throw new Reply(501, '5.5.2', 'nothing was asked for');
  return proven.user;
}

async function bearer(exchange: Exchange): Promise<LoggedIn> {
  const read = readBearer(await response(exchange));
  const user = read && (await exchange.login.bearer(read.username, read.token));
  if (user) return user;
  // RFC 7628 §3.2.3: the client reads why, and answers with one %x01.
  decode(await exchange.ask(BEARER_FAILURE));
  throw wrong('unknown token');
}

async function response({ initial, ask }: Exchange): Promise<string> {
  return initial === null ? decode(await ask('')) : decode(initial === '=' ? '' : initial);
}

function decode(line: string): string {
  if (line === '*') throw new Reply(501, '5.0.0', 'authentication cancelled');
  const isBase64 = line.length <= RESPONSE_MAX && line.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(line);
  if (!isBase64) throw new Reply(501, '5.5.2', 'cannot decode the response');
  return Buffer.from(line, 'base64').toString('utf8');
}

function wrong(reason: string): Reply {
  return new Reply(535, '5.7.8', reason);
}
