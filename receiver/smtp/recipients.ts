/**
 * Who gets mail here: the directory's answers, remembered. Known recipients stay known while the edge is away,
 * so that mail for them is still accepted (DESIGN.md, "stale while the edge is away"); unknown ones are asked
 * again after a minute, so that a new address works soon.
 */
import { formatAddress, parseAddress } from '../../shared/address.ts';
import type { RecipientAnswer } from '../../shared/protocol.ts';
import { type Edge, EdgeUnavailable } from '../edge.ts';

const FRESH_DELIVERABLE_MS = 10 * 60_000;
const FRESH_OTHER_MS = 60_000;
/** Some 2 MB; strangers who guess names push out one another's guesses first. */
const DELIVERABLE_MAX = 10_000;
const OTHER_MAX = 10_000;
/** A client waits at RCPT: longer than this the edge counts as away. */
const ANSWER_MS = 10_000;
/** With an old answer at hand there is no reason to wait long for a new one. */
const STALE_ANSWER_MS = 2000;
/** After a failed question nobody asks for this long what an old answer can tell. */
const AWAY_MS = 5000;

interface Remembered {
  answer: RecipientAnswer;
  at: number;
}

export interface RecipientsOptions {
  edge: Pick<Edge, 'recipient'>;
  /** The edge has answered after it had been away. */
  onBack?: () => void;
  now?: () => number;
}

export class Recipients {
  readonly #edge: Pick<Edge, 'recipient'>;
  readonly #onBack: () => void;
  readonly #now: () => number;
  readonly #deliverable = new Map<string, Remembered>();
  readonly #other = new Map<string, Remembered>();
  readonly #asking = new Map<string, Promise<RecipientAnswer>>();
  #awaySince: number | null = null;

  constructor({ edge, onBack = () => {}, now = Date.now }: RecipientsOptions) {
    this.#edge = edge;
    this.#onBack = onBack;
    this.#now = now;
  }

  /** Throws `EdgeUnavailable` when the edge is away and nothing is remembered. What is no address of ours is foreign. */
  async find(text: string): Promise<RecipientAnswer> {
    const parsed = parseAddress(text);
    if (!parsed) return { status: 'foreign' };
    const address = formatAddress(parsed);
    const known = this.#deliverable.get(address) ?? this.#other.get(address);
    if (known && this.#isFresh(known)) return known.answer;
    const stale = known?.answer.status === 'deliverable' ? known.answer : null;
    if (stale && this.#awaySince !== null && this.#now() - this.#awaySince < AWAY_MS) return stale;
    try {
      return await within(this.#ask(address), stale ? STALE_ANSWER_MS : ANSWER_MS);
    } catch (error) {
      this.#awaySince = this.#now();
      if (stale) return stale;
      throw error instanceof EdgeUnavailable ? error : new EdgeUnavailable(`no answer about ${address}: ${error}`);
    }
  }

  #isFresh({ answer, at }: Remembered): boolean {
    return this.#now() - at < (answer.status === 'deliverable' ? FRESH_DELIVERABLE_MS : FRESH_OTHER_MS);
  }

  /** One question at a time for one address. */
  #ask(address: string): Promise<RecipientAnswer> {
    const asking = this.#asking.get(address);
    if (asking) return asking;
    const asked = this.#edge
      .recipient(address)
      .then((answer) => this.#remember(address, answer))
      .finally(() => this.#asking.delete(address));
    this.#asking.set(address, asked);
    return asked;
  }

  #remember(address: string, answer: RecipientAnswer): RecipientAnswer {
    const deliverable = answer.status === 'deliverable';
    (deliverable ? this.#other : this.#deliverable).delete(address);
    const [memory, max] = deliverable ? [this.#deliverable, DELIVERABLE_MAX] : [this.#other, OTHER_MAX];
    memory.delete(address);
    memory.set(address, { answer, at: this.#now() });
    for (const oldest of memory.keys()) {
      if (memory.size <= max) break;
      memory.delete(oldest);
    }
    if (this.#awaySince !== null) {
      this.#awaySince = null;
      this.#onBack();
    }
    return answer;
  }
}

/** The promise's result, or `EdgeUnavailable` after so many milliseconds. */
function within<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new EdgeUnavailable('no answer in time')), milliseconds);
  });
  promise.catch(() => {});
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
