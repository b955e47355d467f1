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
  OUTBOX: Queue<OutboxMessage>;
  ASSETS: Fetcher;
  /** The `file` relay of the embedded default: takes a message by POST and writes it to a folder. Absent in a deployment. */
  FILE_RELAY?: Fetcher;
  /** Reaches push endpoints on this machine, so that push can be tried with the embedded default. Absent in a deployment: there they are refused. */
  LOOPBACK_PUSH?: Fetcher;
  /** SHA-256 (hex) of the admin token; without it the admin API answers 404. */
  ADMIN_TOKEN_SHA256?: string;
  /** Secret from which fake salts of unknown users are derived (invariant 7). */
  PEPPER: string;
  /** Octets one message may have; 64 MiB when unset. */
  MESSAGE_SIZE_LIMIT?: string;
  /** What one JMAP request may do, in messages that it makes, imports or parses; no limit when unset (docs/deploy.md). */
  MESSAGES_PER_REQUEST?: string;
  /** Host names for MX in MTA-STS policies when no receiver is registered with one, comma separated. */
  MX_HOSTS?: string;
}

/** What travels in the Queue. */
export type OutboxMessage = OutboxAddress | ArrivalNotice;

/** A submission is due: where the submission row lies, nothing of its content. */
export interface OutboxAddress {
  account: number;
  submission: number;
}

/** Mail has arrived that may be answered by a vacation reply, or that reports on a submission (outbound/arrival.ts). */
export interface ArrivalNotice {
  account: number;
  arrival: {
    /** Names the arrival for ever. */
    spool: string;
    sha256: string;
    envelope: { mailFrom: string /** Addresses by which it reached this account. */; rcptTo: string[] };
    /** Epoch milliseconds. */
    at: number;
    mayAnswer: boolean;
    isReport: boolean;
  };
}

/** The DOM's types stand in front of workerd's where both name a thing; this one only workerd has. */
declare global {
  interface Crypto {
    readonly DigestStream: typeof DigestStream;
  }
}
