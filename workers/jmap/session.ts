/** The session resource (RFC 8620 §2): what the server can do, the caller's account, and where everything is. */
import {
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
  WEBSOCKET,
} from '../../shared/jmap/capabilities.ts';
import type { Json } from '../../shared/jmap/errors.ts';
import { encodeId } from '../../shared/jmap/ids.ts';
import type { Env } from '../env.ts';
import type { Account } from '../store/mail/types.ts';

/** Capabilities a request may name in `using`. */
export const SUPPORTED: ReadonlySet<string> = new Set([CORE, MAIL, SUBMISSION, VACATION, MDN, QUOTA, WEBSOCKET]);

/** Octets one message, and so one upload, may have. */
export function messageSizeMax(env: Env): number {
  const limit = Number(env.MESSAGE_SIZE_LIMIT);
  return Number.isSafeInteger(limit) && limit > 0 ? limit : MESSAGE_SIZE_DEFAULT;
}

/** The Session object. `origin` is the one the request came to, e.g. `https://mail.example.test`. */
export function buildSession(env: Env, account: Account, origin: string): Json {
  return {
    ...stableSession(env, account),
    apiUrl: `${origin}/jmap/api`,
    downloadUrl: `${origin}/jmap/download/{accountId}/{blobId}/{name}?accept={type}`,
    uploadUrl: `${origin}/jmap/upload/{accountId}/`,
    eventSourceUrl: `${origin}/jmap/eventsource?types={types}&closeafter={closeafter}&ping={ping}`,
    capabilities: {
      [CORE]: coreCapability(messageSizeMax(env)),
      [MAIL]: {},
      [SUBMISSION]: {},
      [VACATION]: {},
      [MDN]: {},
      [QUOTA]: {},
      [WEBSOCKET]: { url: `${origin.replace(/^http/, 'ws')}/jmap/ws`, supportsPush: true },
    },
    state: sessionState(env, account),
  };
}

/** Changes when anything in the session changes for this account; the same text on every Worker. */
export function sessionState(env: Env, account: Account): string {
  return fingerprint(JSON.stringify([stableSession(env, account), coreCapability(messageSizeMax(env))]));
}

function stableSession(env: Env, account: Account) {
  const id = encodeId('Account', account.id);
  return {
    accounts: {
      [id]: {
        name: account.address,
        isPersonal: true,
        isReadOnly: false,
        accountCapabilities: {
          [CORE]: {},
          [MAIL]: mailCapability(messageSizeMax(env)),
          [SUBMISSION]: submissionCapability(messageSizeMax(env)),
          [VACATION]: {},
          [MDN]: {},
          [QUOTA]: {},
        },
      },
    },
    primaryAccounts: { [CORE]: id, [MAIL]: id, [SUBMISSION]: id, [VACATION]: id, [MDN]: id, [QUOTA]: id },
    username: account.address,
  };
}

/** FNV-1a, 32 bits: a state string needs to differ, not to be secret. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
