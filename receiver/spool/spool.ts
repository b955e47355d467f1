/**
 * The spool as the rest of the receiver sees it: a folder that makes messages durable, and a drain that
 * carries them to the edge (DESIGN.md, invariant 3).
 */
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { type IngestEdge, startDrain } from './drain.ts';
import { openSpoolFolder, type SpoolFolder } from './folder.ts';

export interface Spool {
  folder: SpoolFolder;
  /** Someone else has had an answer from the edge: what waits is tried now, not after the back-off. */
  wake(): void;
  /** Ends after the calls in flight; what waits stays on disk. */
  close(): Promise<void>;
}

export interface SpoolOptions {
  /** Absolute path; made when missing. */
  folder: string;
  edge: IngestEdge;
  log: Log;
  metrics?: Metrics;
  /** Milliseconds to wait after so many failures in a row. */
  backOff?: (failures: number) => number;
}

/** Opens the spool, takes up what an earlier run left and starts draining. */
export async function openSpool({ folder: directory, edge, log, metrics, backOff }: SpoolOptions): Promise<Spool> {
  const folder = await openSpoolFolder(directory, { log });
  metrics?.gauge('posthouse_spool_entries', () => folder.size);
  const onOutcome = (status: string) => metrics?.count('posthouse_ingest_recipients_total', `status="${status}"`);
  const drain = startDrain({ spool: folder, edge, log, onOutcome, backOff });
  return {
    folder,
    wake: () => drain.wake(),
    async close() {
      await drain.close();
      await folder.close();
    },
  };
}
