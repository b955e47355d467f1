/** What every operation works on: the ledger, and what was looked up for the messages it adds. */

import type { OperationError, OperationResult } from '../../../../shared/protocol.ts';
import type { ThreadReferences } from '../../../../shared/threads.ts';
import type { Ledger } from '../ledger.ts';
import type { MetadataSizes } from '../metadata.ts';

/** A message put into Sent a short while ago (sent.ts). */
export interface RecentCopy {
  email: number;
  ours: boolean;
}

export interface OperationContext {
  ledger: Ledger;
  /** Digests of the originals that are in R2. */
  blobs: ReadonlySet<string>;
  /** By digest: the hashed identifiers of the messages to be added. */
  references: ReadonlyMap<string, ThreadReferences>;
  /** Hash → thread; messages added here are entered, so that one can answer another. */
  known: Map<number, number>;
  /** Threads whose emails are all in the ledger; no other takes a message. */
  loadedThreads: ReadonlySet<number>;
  /** By hash of the Message-ID. */
  sent: ReadonlyMap<number, RecentCopy>;
  /** Annotations there are; read only for a change that sets some. */
  metadata: MetadataSizes;
}

export function failure(error: OperationError, description?: string): OperationResult {
  return { ok: false, error, ...(description === undefined ? {} : { description }) };
}
