/** The client's half of SCRAM-SHA-256 (RFC 5802 §3) for tests that also have to say what no good client says. */
import { authMessage, hmacSha256, parseServerFirst, saltedPassword, scramKeys, toBase64 } from '../../shared/scram.ts';

export interface ScramScript {
  /** GS2 header, e.g. `n,,`. */
  header?: string;
  /** Key material of the channel, for `p=`. */
  binding?: Uint8Array;
  username: string;
  password: string;
}

/** client-first, and what answers server-first: client-final, with the server-final that must come. */
export function scramClient({ header = 'n,,', binding = new Uint8Array(), username, password }: ScramScript) {
  const bare = `n=${username},r=testnonce`;
  return {
    first: header + bare,
    async final(serverFirst: string, bound = Buffer.concat([Buffer.from(header), binding])): Promise<{ final: string; server: string }> {
      const server = parseServerFirst(serverFirst);
      if (!server) throw new Error(`no server-first: ${serverFirst}`);
      const keys = await scramKeys(await saltedPassword(password, server.salt, server.iterations));
      const withoutProof = `c=${bound.toString('base64')},r=${server.nonce}`;
      const message = authMessage(bare, serverFirst, withoutProof);
      const signature = await hmacSha256(keys.storedKey, message);
      const proof = keys.clientKey.map((octet, index) => octet ^ (signature[index] ?? 0));
      return { final: `${withoutProof},p=${toBase64(proof)}`, server: `v=${toBase64(await hmacSha256(keys.serverKey, message))}` };
    },
  };
}
