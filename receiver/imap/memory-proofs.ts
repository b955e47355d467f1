/**
 * SCRAM and bearer tokens for the memory backend: the server's half of RFC 5802 in one process, as the edge plays it
 * (workers/auth/scram.ts), so that the protocol can be tested without one.
 */
import { answerClientFinal, answerClientFirst, makeVerifier, newNonce } from '../../shared/scram.ts';
import { Refusal, type ScramExchange, type Session } from './session.ts';

/** Cheap, because no password here is worth anything. */
const ITERATIONS = 4096;

/** Begins an exchange for the account with this password; one that has none fails at the end. */
export async function beginMemoryScram(
  clientFirstBare: string,
  password: string | null,
  open: () => Promise<Session>,
): Promise<ScramExchange> {
  const verifier = await makeVerifier(password ?? newNonce(), undefined, ITERATIONS);
  const serverFirst = answerClientFirst(clientFirstBare, verifier);
  if (serverFirst === null) throw new Refusal('AUTHENTICATIONFAILED', 'Not a SCRAM message');
  return {
    serverFirst,
    async finish(clientFinal) {
      const serverFinal = await answerClientFinal(verifier, clientFirstBare, serverFirst, clientFinal);
      return serverFinal === null || password === null ? null : { serverFinal, open };
    },
  };
}
