/** The session resource (RFC 8620 §2): what the server can do, the caller's account, and where everything is. */
import {
  BLOB,
  blobCapability,
  CORE,
  coreCapability,
  MAIL,
  MDN,
  MESSAGE_SIZE_DEFAULT,
  mailCapability,
  QUOTA,
  SUBMISSION,
  submissionCapability,
  VACATION,
  WEBPUSH_VAPID,
  WEBSOCKET,
} from '../../shared/jmap/capabilities.ts';
import type { Json } from '../../shared/jmap/errors.ts';
import { encodeId } from '../../shared/jmap/ids.ts';
import type { Env } from '../env.ts';
import type { Account } from '../store/mail/types.ts';
import { serverKey } from './push/server-key.ts';

/** What a capability says in the session as a whole, and of the account; without `account` it belongs to none. */
interface Capability {
  server: (env: Env, origin: string) => Json | Promise<Json>;
  account?: (env: Env, account: Account) => Json;
}

/** A capability with nothing to say but that it is there. */
const BARE: Capability = { server: () => ({}), account: () => ({}) };

/** Every capability, one entry each; a request may name any of them in `using`. */
const CAPABILITIES: Record<string, Capability> = {
  [CORE]: { server: (env) => coreCapability(messageSizeMax(env)), account: () => ({}) },
  [MAIL]: { server: () => ({}), account: (env) => mailCapability(messageSizeMax(env)) },
  [SUBMISSION]: { server: () => ({}), account: (env) => submissionCapability(messageSizeMax(env)) },
  [VACATION]: BARE,
  [MDN]: BARE,
  [QUOTA]: BARE,
  [BLOB]: { server: () => ({}), account: (env) => blobCapability(messageSizeMax(env)) },
  [WEBSOCKET]: { server: (_env, origin) => ({ url: `${origin.replace(/^http/, 'ws')}/jmap/ws`, supportsPush: true }) },
  [WEBPUSH_VAPID]: { server: async (env) => ({ applicationServerKey: (await serverKey(env)).publicKey }) },
};

/** Capabilities a request may name in `using`. */
export const SUPPORTED: ReadonlySet<string> = new Set(Object.keys(CAPABILITIES));

/** Octets one message, and so one upload, may have. */
export function messageSizeMax(env: Env): number {
  const limit = Number(env.MESSAGE_SIZE_LIMIT);
  return Number.isSafeInteger(limit) && limit > 0 ? limit : MESSAGE_SIZE_DEFAULT;
}

/** The Session object. `origin` is the one the request came to, e.g. `https://mail.example.test`. */
export async function buildSession(env: Env, account: Account, origin: string): Promise<Json> {
  return { ...(await describe(env, account, origin)), state: await sessionState(env, account) };
}

/** Changes when anything in the session changes for this account; the same text on every Worker and under every name it is reached by. */
export async function sessionState(env: Env, account: Account): Promise<string> {
  return fingerprint(JSON.stringify(await describe(env, account, '')));
}

async function describe(env: Env, account: Account, origin: string): Promise<Json> {
  const id = encodeId('Account', account.id);
  const ofAccount = Object.entries(CAPABILITIES).flatMap(([name, capability]) =>
    capability.account ? [[name, capability.account(env, account)] as const] : [],
  );
  const ofServer = Object.entries(CAPABILITIES).map(async ([name, { server }]) => [name, await server(env, origin)] as const);
  return {
    capabilities: Object.fromEntries(await Promise.all(ofServer)),
    accounts: {
      [id]: { name: account.address, isPersonal: true, isReadOnly: false, accountCapabilities: Object.fromEntries(ofAccount) },
    },
    // RFC 8620 §2: core has no data of its own, and should not be there.
    primaryAccounts: Object.fromEntries(ofAccount.filter(([name]) => name !== CORE).map(([name]) => [name, id])),
    username: account.address,
    apiUrl: `${origin}/jmap/api`,
    downloadUrl: `${origin}/jmap/download/{accountId}/{blobId}/{name}?accept={type}`,
    uploadUrl: `${origin}/jmap/upload/{accountId}/`,
    eventSourceUrl: `${origin}/jmap/eventsource?types={types}&closeafter={closeafter}&ping={ping}`,
  };
}

/** FNV-1a, 32 bits: a state string needs to differ, not to be secret. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
