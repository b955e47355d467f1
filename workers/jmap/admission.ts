/**
 * How much one account may have running at a time (RFC 8620 §2: maxConcurrentRequests, maxConcurrentUpload). Counted in
 * each isolate of the Worker, because it protects what an isolate has: its memory and its processor. Clients of one
 * account that reach different places of the network are counted apart, and so is the account's hub, where its WebSockets hang.
 */
import { CONCURRENT_REQUESTS_MAX, CONCURRENT_UPLOADS_MAX } from '../../shared/jmap/capabilities.ts';

/** Ends a place that was taken. */
export type Leave = () => void;

export class Admission {
  readonly #max: number;
  readonly #leaseMs: number;
  /** Account → when each of its places is free again, whatever became of its holder. */
  readonly #places = new Map<number, Set<{ until: number }>>();

  /** `leaseMs`: a call that was cut off before it could leave keeps its place no longer than this. */
  constructor(max: number, leaseMs: number) {
    this.#max = max;
    this.#leaseMs = leaseMs;
  }

  /** Takes a place; null when the account has them all. */
  enter(account: number, now = Date.now()): Leave | null {
    const places = this.#places.get(account) ?? new Set();
    for (const place of places) if (place.until <= now) places.delete(place);
    if (places.size >= this.#max) return null;
    const place = { until: now + this.#leaseMs };
    this.#places.set(account, places.add(place));
    return () => {
      places.delete(place);
      if (places.size === 0) this.#places.delete(account);
    };
  }
}

/** A request takes at most this long, or its client has given up. */
export const REQUEST_LEASE_MS = 60_000;
/** 64 MiB over a slow line. */
const UPLOAD_LEASE_MS = 600_000;

export const requestAdmission = new Admission(CONCURRENT_REQUESTS_MAX, REQUEST_LEASE_MS);
export const uploadAdmission = new Admission(CONCURRENT_UPLOADS_MAX, UPLOAD_LEASE_MS);
