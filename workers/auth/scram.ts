/**
 * The server's half of a SCRAM exchange (RFC 5802 §5): start shows salt and iterations, finish tries the
 * proof against every credential of the account. A name nobody has goes the same way with the same work,
 * so that neither answer nor time tells it from a wrong password (DESIGN.md, invariant 7).
 */
import { formatAddress, parseAddress } from '../../shared/address.ts';
import type { ScramStartAnswer } from '../../shared/protocol.ts';
import {
  authMessage,
  fakeSalt,
  fromBase64,
  KEY_OCTETS,
  makeServerFinal,
  makeServerFirst,
  newNonce,
  parseClientFinal,
  parseClientFirstBare,
  SCRAM_ITERATIONS,
  verifyProof,
} from '../../shared/scram.ts';
import type { Env } from '../env.ts';
import {
  CREDENTIALS_MAX,
  type CredentialKeys,
  loginCredentials,
  loginParameters,
  touchCredential,
} from '../store/directory/credentials.ts';
import { openExchange, takeExchange } from '../store/directory/exchanges.ts';
import type { Account } from '../store/mail/types.ts';

/** Account 0: a name nobody has. */
const NOBODY = 0;
/** Whose credentials are read and tried in vain for nobody, so that both ways take the same queries and the same work. */
const DECOY = 1;
/** A StoredKey no proof fits: SHA-256 of nothing we could name. */
const NO_KEY = new Uint8Array(KEY_OCTETS);

/** Who proved a password, and with which credential. */
export interface Proven {
  account: Account;
  credential: number;
  serverFinal: string;
}

/** Opens an exchange for `caller` (receiver id, or `web`); null when client-first is malformed. */
export async function startScram(
  env: Env,
  caller: string,
  username: string,
  clientFirstBare: string,
  now: number,
): Promise<ScramStartAnswer | null> {
  const first = parseClientFirstBare(clientFirstBare);
  if (!first) return null;
  const name = loginName(username);
  const known = await loginParameters(env, name);
  const invented = await fakeSalt(env.PEPPER, name);
  const serverFirst = makeServerFirst(first.nonce + newNonce(), known?.salt ?? invented, known?.iterations ?? SCRAM_ITERATIONS);
  const exchange = await openExchange(env, { caller, account: known?.account ?? NOBODY, clientFirstBare, serverFirst }, now);
  return { exchange, serverFirst };
}

/** Ends an exchange; null when it is not there for this caller, or no credential fits. */
export async function finishScram(env: Env, caller: string, id: string, clientFinal: string, now: number): Promise<Proven | null> {
  const exchange = await takeExchange(env, id, caller, now);
  const final = parseClientFinal(clientFinal);
  if (!exchange || !final || !exchange.serverFirst.startsWith(`r=${final.nonce},`)) return null;
  const message = authMessage(exchange.clientFirstBare, exchange.serverFirst, final.withoutProof);
  const credentials = await loginCredentials(env, exchange.account === NOBODY ? DECOY : exchange.account);
  const fitting = await findFitting(credentials, message, final.proof);
  if (!fitting || fitting.account.id !== exchange.account) return null;
  await touchCredential(env, fitting.id, now);
  const serverKey = fromBase64(fitting.serverKey) ?? NO_KEY;
  return { account: fitting.account, credential: fitting.id, serverFinal: await makeServerFinal(serverKey, message) };
}

/** Always tries as many keys as an account may have, so that the time says nothing about how many it has. */
async function findFitting<T extends CredentialKeys>(credentials: T[], message: string, proof: Uint8Array): Promise<T | null> {
  let fitting: T | null = null;
  for (let i = 0; i < CREDENTIALS_MAX; i++) {
    const credential = credentials[i];
    const storedKey = fromBase64(credential?.storedKey ?? '');
    const fits = await verifyProof(storedKey?.length === KEY_OCTETS ? storedKey : NO_KEY, message, proof);
    if (fits && credential && storedKey?.length === KEY_OCTETS) fitting = credential;
  }
  return fitting;
}

/** The directory's form of what was typed; what is no address stays as it is and is nobody's. */
function loginName(username: string): string {
  const address = parseAddress(username.trim());
  return address ? formatAddress(address) : username.trim().normalize('NFC').toLowerCase();
}
