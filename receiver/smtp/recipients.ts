/**
 * Who gets mail here: the directory's answers, remembered. Known recipients stay known while the edge is away,
 * so that mail for them is still accepted (DESIGN.md, "stale while the edge is away"); unknown ones are asked
 * again after a minute, so that a new address works soon. A domain that is not ours is remembered as a whole.
 */
import { formatAddress, parseAddress } from '../../shared/address.ts';
import type { RecipientAnswer } from '../../shared/protocol.ts';
import { type Edge, EdgeUnavailable } from '../edge.ts';
import { Guesses } from './guesses.ts';

const FRESH_DELIVERABLE_MS = 10 * 60_000;
const FRESH_OTHER_MS = 60_000;
/** Some 2 MB; strangers who guess names push out one another's guesses first. */
const DELIVERABLE_MAX = 10_000;
const UNKNOWN_MAX = 10_000;
const FOREIGN_MAX = 10_000;
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

/** Who asks has named too many addresses that are not here, and this one is not remembered. */
export class TooManyUnknown extends Error {}

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
  readonly #unknown = new Map<string, Remembered>();
  /** Domains that are not ours: when the edge said so. The answer holds for every address of the domain. */
  readonly #foreign = new Map<string, number>();
  readonly #guesses = new Guesses();
  readonly #asking = new Map<string, Promise<RecipientAnswer>>();
  #awaySince: number | null = null;

  constructor({ edge, onBack = () => {}, now = Date.now }: RecipientsOptions) {
    this.#edge = edge;
    this.#onBack = onBack;
    this.#now = now;
  }

  /**
   * What is no address of ours is foreign. `network` is whose misses are counted; null: nobody's. Throws `EdgeUnavailable`
   * when the edge is away and nothing is remembered, `TooManyUnknown` when the network's misses are used up.
   */
  async find(text: string, network: string | null = null): Promise<RecipientAnswer> {
    const parsed = parseAddress(text);
    if (!parsed) return { status: 'foreign' };
    const address = formatAddress(parsed);
    const known = this.#recall(address, parsed.domain);
    if (known && this.#isFresh(known)) return known.answer;
    const stale = known?.answer.status === 'deliverable' ? known.answer : null;
    if (stale && this.#awaySince !== null && this.#now() - this.#awaySince < AWAY_MS) return stale;
    if (!stale && network !== null && this.#guesses.isSpent(network, this.#now())) throw new TooManyUnknown(network);
    try {
      const answer = await within(this.#ask(address, parsed.domain), stale ? STALE_ANSWER_MS : ANSWER_MS);
      if (network !== null && answer.status !== 'deliverable') this.#guesses.note(network, this.#now());
      return answer;
    } catch (error) {
      this.#awaySince = this.#now();
      if (stale) return stale;
      throw error instanceof EdgeUnavailable ? error : new EdgeUnavailable(`no answer about ${address}: ${error}`);
    }
  }

  /** What the edge said last about the address, or about its domain when that was later than anything about the address. */
  #recall(address: string, domain: string): Remembered | undefined {
    const known = this.#deliverable.get(address) ?? this.#unknown.get(address);
    const foreignAt = this.#foreign.get(domain);
    if (foreignAt === undefined || (known && known.at > foreignAt)) return known;
    return { answer: { status: 'foreign' }, at: foreignAt };
  }

  #isFresh({ answer, at }: Remembered): boolean {
    return this.#now() - at < (answer.status === 'deliverable' ? FRESH_DELIVERABLE_MS : FRESH_OTHER_MS);
  }

  /** One question at a time for one address. */
  #ask(address: string, domain: string): Promise<RecipientAnswer> {
    const asking = this.#asking.get(address);
    if (asking) return asking;
    const asked = this.#edge
      .recipient(address)
      .then((answer) => this.#remember(address, domain, answer))
      .finally(() => this.#asking.delete(address));
    this.#asking.set(address, asked);
    return asked;
  }

  #remember(address: string, domain: string, answer: RecipientAnswer): RecipientAnswer {
    const at = this.#now();
    for (const memory of [this.#deliverable, this.#unknown]) memory.delete(address);
    this.#foreign.delete(domain);
    if (answer.status === 'foreign') keep(this.#foreign, domain, at, FOREIGN_MAX);
    else if (answer.status === 'unknown') keep(this.#unknown, address, { answer, at }, UNKNOWN_MAX);
    else keep(this.#deliverable, address, { answer, at }, DELIVERABLE_MAX);
    if (this.#awaySince !== null) {
      this.#awaySince = null;
      this.#onBack();
    }
    return answer;
  }
}

/** Puts it in as the latest; beyond `max` the one put in longest ago goes. */
function keep<T>(memory: Map<string, T>, key: string, value: T, max: number): void {
  memory.set(key, value);
  for (const oldest of memory.keys()) {
    if (memory.size <= max) break;
    memory.delete(oldest);
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
