/**
 * The Worker's bindings and settings, as wrangler.toml declares them. A store is opened from these;
 * nothing else reads `env`.
 */
export interface Env {
  /** Domains, accounts, credentials, addresses, receivers, tokens, reports. */
  DIRECTORY: D1Database;
  /** The first of the databases that keep mail; `account.shard` says which one is an account's. */
  MAIL_0: D1Database;
  /** `<account>/<sha256>`: the originals. */
  ORIGINALS: R2Bucket;
  /** One instance per account: push. */
  HUB: DurableObjectNamespace;
  OUTBOX: Queue<OutboxAddress>;
  ASSETS: Fetcher;
  /** The `file` relay of the embedded default: takes a message by POST and writes it to a folder. Absent in a deployment. */
  FILE_RELAY?: Fetcher;
  /** SHA-256 (hex) of the admin token; without it the admin API answers 404. */
  ADMIN_TOKEN_SHA256?: string;
  /** Secret from which fake salts of unknown users are derived (invariant 7). */
  PEPPER: string;
  /** Octets one message may have; 64 MiB when unset. */
  MESSAGE_SIZE_LIMIT?: string;
  /** Host names for MX in MTA-STS policies when no receiver is registered with one, comma separated. */
  MX_HOSTS?: string;
}

/** What travels in the Queue: where the submission row lies, nothing of its content. */
export interface OutboxAddress {
  account: number;
  submission: number;
}

/** The DOM's types stand in front of workerd's where both name a thing; this one only workerd has. */
declare global {
  interface Crypto {
    readonly DigestStream: typeof DigestStream;
  }
}
