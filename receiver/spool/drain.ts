/**
 * Carries spooled messages to the edge. Small ones travel many to a call; large ones (over 256 KB) are put
 * as blobs first, in a lane of their own, so that fifty megabytes do not stand in the way of a two-line
 * note. A call that the edge refuses is halved until the message that offends stands alone and waits alone.
 * An entry leaves when every recipient is acknowledged; a recipient refused for good is kept in `refused/`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { INGEST_PAIRS_MAX, INLINE_MESSAGE_MAX, type IngestAnswer, type RecipientAnswer } from '../../shared/protocol.ts';
import { type Edge, EdgeRefused, EdgeUnavailable } from '../edge.ts';
import type { Log } from '../log.ts';
import { type Outcome, type SpoolEntry, toIngestMessage, waitingRecipients } from './entry.ts';
import type { SpoolFolder } from './folder.ts';
import { type Delivery, Lane } from './lane.ts';

/** Closing waits this long for calls in flight; what they carry is still on disk and will be asked again. */
const CLOSE_MS = 3000;
/** Refusals that are about this receiver, not about a message: key revoked or unknown, wrong place, old version. */
const RECEIVER_REFUSALS = new Set([401, 403, 404, 426]);

export type IngestEdge = Pick<Edge, 'ingest' | 'putBlob' | 'recipient'>;

export interface DrainOptions {
  spool: SpoolFolder;
  edge: IngestEdge;
  log: Log;
  /** Told of every recipient's final status, for the metrics. */
  onOutcome?: (status: 'stored' | 'duplicate' | 'retry' | 'refused') => void;
  /** For tests that do not want to wait. */
  backOff?: (failures: number) => number;
}

export interface Drain {
  /** Someone else has just had an answer from the edge: try now what waits. */
  wake(): void;
  /** Stops after the calls in flight. */
  close(): Promise<void>;
}

/** One entry's share of a call. */
/** Messages one call carries: 32 cost the Worker 14 ms of CPU, and a request may take 10 (docs/performance.md). */
const CALL_MESSAGES = 16;

interface Piece {
  entry: SpoolEntry;
  rcptTo: string[];
}

/** Starts carrying: what waits already, then whatever arrives. */
export function startDrain(options: DrainOptions): Drain {
  const carrier = new Carrier(options);
  const small = new Lane({ batch: CALL_MESSAGES, deliver: (ids) => carrier.deliverSmall(ids), backOff: options.backOff });
  const large = new Lane({ batch: 1, deliver: ([id = '']) => carrier.deliverLarge(id), backOff: options.backOff });
  const queue = (spoolId: string, size: number) => (size > INLINE_MESSAGE_MAX ? large : small).add(spoolId);
  options.spool.onArrival(queue);
  for (const [spoolId, size] of options.spool.waiting()) queue(spoolId, size);
  return {
    wake() {
      small.wake();
      large.wake();
    },
    async close() {
      options.spool.onArrival(() => {});
      await Promise.race([Promise.all([small.close(), large.close()]), sleep(CLOSE_MS, undefined, { ref: false })]);
    },
  };
}

class Carrier {
  readonly #spool: SpoolFolder;
  readonly #edge: IngestEdge;
  readonly #log: Log;
  readonly #onOutcome: NonNullable<DrainOptions['onOutcome']>;

  constructor({ spool, edge, log, onOutcome = () => {} }: DrainOptions) {
    this.#spool = spool;
    this.#edge = edge;
    this.#log = log;
    this.#onOutcome = onOutcome;
  }

  async deliverSmall(spoolIds: string[]): Promise<Delivery> {
    const delivery: Delivery = { later: [], again: [], away: false };
    const pieces: Piece[] = [];
    let pairs = 0;
    for (const spoolId of spoolIds) {
      const entry = await this.#read(spoolId, delivery);
      if (!entry) continue;
      const rcptTo = waitingRecipients(entry).slice(0, INGEST_PAIRS_MAX - pairs);
      pairs += rcptTo.length;
      if (rcptTo.length > 0) pieces.push({ entry, rcptTo });
      else if (waitingRecipients(entry).length > 0) delivery.again.push(spoolId);
      else await this.#settle({ entry, rcptTo: [] }, [], delivery);
    }
    await this.#send(pieces, delivery);
    return delivery;
  }

  async deliverLarge(spoolId: string): Promise<Delivery> {
    const delivery: Delivery = { later: [], again: [], away: false };
    const entry = await this.#read(spoolId, delivery);
    if (!entry) return delivery;
    const piece = { entry, rcptTo: waitingRecipients(entry).slice(0, INGEST_PAIRS_MAX) };
    try {
      for (const account of await this.#accounts(piece.rcptTo)) {
        await this.#edge.putBlob(account, entry.sha256, this.#spool.stream(spoolId), entry.size);
      }
      const request = { messages: [toIngestMessage(entry, piece.rcptTo, 0)] };
      await this.#settleAll([piece], await this.#edge.ingest(request, []), delivery);
    } catch (error) {
      this.#postpone([piece], error, delivery);
    }
    return delivery;
  }

  /** Sends the pieces in one call, or, when that is refused, each half by itself. */
  async #send(pieces: Piece[], delivery: Delivery): Promise<void> {
    if (pieces.length === 0) return;
    if (delivery.away) {
      delivery.again.push(...pieces.map((piece) => piece.entry.spoolId));
      return;
    }
    try {
      const payloads = await Promise.all(pieces.map((piece) => this.#spool.bytes(piece.entry.spoolId)));
      const messages = pieces.map((piece, i) => toIngestMessage(piece.entry, piece.rcptTo, payloads[i]?.length ?? 0));
      await this.#settleAll(pieces, await this.#edge.ingest({ messages }, payloads), delivery);
    } catch (error) {
      if (!isAboutAMessage(error) || pieces.length === 1) return this.#postpone(pieces, error, delivery);
      const half = Math.ceil(pieces.length / 2);
      await this.#send(pieces.slice(0, half), delivery);
      await this.#send(pieces.slice(half), delivery);
    }
  }

  async #settleAll(pieces: Piece[], answer: IngestAnswer, delivery: Delivery): Promise<void> {
    const answers = new Map((answer.messages ?? []).map((message) => [message.spoolId, message.recipients ?? []]));
    for (const piece of pieces) await this.#settle(piece, answers.get(piece.entry.spoolId) ?? [], delivery);
  }

  async #settle({ entry, rcptTo }: Piece, outcomes: Outcome[], delivery: Delivery): Promise<void> {
    const { spoolId } = entry;
    const answered = outcomes.filter((outcome) => rcptTo.includes(outcome.address));
    for (const { address, status, reason } of answered) {
      this.#onOutcome(status);
      if (status === 'refused') this.#log.error('drain.refused', { spoolId, address, reason });
    }
    try {
      const gone = await this.#spool.settle(entry, answered);
      if (gone) this.#log.info('drain.delivered', { spoolId, recipients: entry.recipients.length });
      else if (rcptTo.every((address) => isFinal(answered, address))) delivery.again.push(spoolId);
      else delivery.later.push(spoolId);
    } catch (error) {
      this.#log.error('drain.settle', { spoolId, reason: error });
      delivery.later.push(spoolId);
    }
  }

  /** Edge away: the whole lane waits. Otherwise the message waits alone, and the log says why. */
  #postpone(pieces: Piece[], error: unknown, delivery: Delivery): void {
    const ids = pieces.map((piece) => piece.entry.spoolId);
    if (error instanceof EdgeUnavailable || (error instanceof EdgeRefused && !isAboutAMessage(error))) {
      delivery.away = true;
      delivery.again.push(...ids);
      this.#log.warn('drain.away', { reason: error, waiting: this.#spool.size });
      return;
    }
    delivery.later.push(...ids);
    this.#log.error('drain.postponed', { spoolIds: ids.slice(0, 5), reason: error });
  }

  async #read(spoolId: string, delivery: Delivery): Promise<SpoolEntry | null> {
    try {
      return await this.#spool.read(spoolId);
    } catch (error) {
      this.#log.error('drain.unreadable', { spoolId, reason: error });
      delivery.later.push(spoolId);
      return null;
    }
  }

  /** Whose blobs the message becomes. What vanished since RCPT goes to the domain's postmaster (invariant 3). */
  async #accounts(addresses: string[]): Promise<Set<number>> {
    const accounts = new Set<number>();
    for (const address of addresses) {
      const found = await this.#edge.recipient(address);
      const keeper = found.status === 'deliverable' ? found : await this.#edge.recipient(postmasterOf(address));
      if (isDeliverable(keeper)) accounts.add(keeper.account);
    }
    return accounts;
  }
}

function postmasterOf(address: string): string {
  return `postmaster@${address.slice(address.lastIndexOf('@') + 1)}`;
}

function isDeliverable(answer: RecipientAnswer): answer is RecipientAnswer & { status: 'deliverable' } {
  return answer.status === 'deliverable';
}

function isAboutAMessage(error: unknown): boolean {
  return error instanceof EdgeRefused && !RECEIVER_REFUSALS.has(error.status);
}

function isFinal(outcomes: Outcome[], address: string): boolean {
  return outcomes.some((outcome) => outcome.address === address && ['stored', 'duplicate', 'refused'].includes(outcome.status));
}
