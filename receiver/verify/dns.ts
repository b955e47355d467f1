/**
 * DNS for verification: our resolver, and one budget for all look-ups of one message (FACTS.md: a silent
 * resolver costs 30 s a query by default). A resolver that answers nobody is noticed once: from then on every
 * look-up fails at once with a temporary error, while a probe in the background finds out when it is back.
 * One domain whose servers are silent does not count: the resolver still answers about the root.
 */
import { Resolver } from 'node:dns/promises';
import type { Log } from '../log.ts';

/** All look-ups of one message together: it waits before its 250. */
const BUDGET_MS = 5000;
/** c-ares asks again after this; three tries fit into the budget. */
const TRY_MS = 1500;
const TRIES = 3;
/** While the resolver is silent it is asked this often. */
const PROBE_MS = 5000;
/** SPF needs at most 10 and their addresses, DKIM one a signature; a message that asks more is an attack on us or on others. */
const LOOKUPS_MAX = 60;

/** What the world says of a name is believed this long, so that a burst from one sender asks once. */
const ANSWER_AGE_MS = 60_000;
/** A resolver that refuses or fails is asked again sooner. */
const FAILURE_AGE_MS = 5000;
/** Answers are short; some 2 MB. */
const REMEMBERED_MAX = 2000;
const DEFINITE = new Set(['ENOTFOUND', 'ENODATA']);

export type Resolve = (name: string, type: string) => Promise<string[] | string[][]>;

/** The look-ups of one message. */
export interface Lookups {
  resolve: Resolve;
  /** Must be called; ends the budget's clock. */
  end(): void;
}

export interface DnsOptions {
  /** `host:port`, or null for the system's. */
  server: string | null;
  log: Log;
  budgetMs?: number;
  probeMs?: number;
}

export class Dns {
  readonly #resolver = new Resolver({ timeout: TRY_MS, tries: TRIES });
  readonly #log: Log;
  readonly #budgetMs: number;
  readonly #probeMs: number;
  readonly #open = new Set<Budget>();
  readonly #remembered = new Map<string, Remembered>();
  #answers = 0;
  #silent = false;
  #probe: NodeJS.Timeout | undefined;

  constructor({ server, log, budgetMs = BUDGET_MS, probeMs = PROBE_MS }: DnsOptions) {
    if (server !== null) this.#resolver.setServers([server]);
    this.#log = log;
    this.#budgetMs = budgetMs;
    this.#probeMs = probeMs;
  }

  /** True while the resolver answers nobody. */
  get silent(): boolean {
    return this.#silent;
  }

  /** Opens the budget of one message. */
  lookups(): Lookups {
    const budget = new Budget(this.#budgetMs, {
      halfway: (answersBefore) => this.#answers === answersBefore && this.#ask('.', 'NS').catch(() => {}),
      spent: (answersBefore) => this.#answers === answersBefore && this.#fallSilent(),
      answers: () => this.#answers,
    });
    this.#open.add(budget);
    if (this.#silent) budget.cut();
    return {
      resolve: (name, type) => this.#recall(name, type) ?? budget.run(() => this.#ask(name, type)),
      end: () => {
        budget.end();
        this.#open.delete(budget);
      },
    };
  }

  close(): void {
    clearInterval(this.#probe);
    for (const budget of this.#open) budget.cut();
    this.#resolver.cancel();
  }

  async #ask(name: string, type: string): Promise<string[] | string[][]> {
    try {
      const answer = (await this.#resolver.resolve(name, type)) as string[] | string[][];
      this.#answers++;
      this.#remember(name, type, { answer: structuredClone(answer), until: Date.now() + ANSWER_AGE_MS });
      return answer;
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException;
      if (code !== 'ETIMEOUT' && code !== 'ECANCELLED') {
        this.#answers++;
        this.#remember(name, type, { code, message, until: Date.now() + (DEFINITE.has(code) ? ANSWER_AGE_MS : FAILURE_AGE_MS) });
      }
      throw error;
    }
  }

  /** What is remembered, each time as a copy of its own, because mailauth sorts lists and marks errors; null when nothing is. */
  #recall(name: string, type: string): Promise<string[] | string[][]> | null {
    const found = this.#remembered.get(`${type} ${name}`);
    if (!found || found.until < Date.now()) return null;
    return 'answer' in found ? Promise.resolve(structuredClone(found.answer)) : Promise.reject(dnsError(found.code, found.message));
  }

  #remember(name: string, type: string, outcome: Remembered): void {
    const key = `${type} ${name}`;
    this.#remembered.delete(key);
    this.#remembered.set(key, outcome);
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= REMEMBERED_MAX) break;
      this.#remembered.delete(oldest);
    }
  }

  #fallSilent(): void {
    if (this.#silent) return;
    this.#silent = true;
    this.#log.warn('dns.silent', { budgetMs: this.#budgetMs, effect: 'verdicts are temperror until it answers' });
    for (const budget of this.#open) budget.cut();
    this.#probe = setInterval(() => this.#probeOnce(), this.#probeMs).unref();
  }

  async #probeOnce(): Promise<void> {
    const before = this.#answers;
    await this.#ask('.', 'NS').catch(() => {});
    if (this.#answers === before || !this.#silent) return;
    this.#silent = false;
    clearInterval(this.#probe);
    this.#log.info('dns.back');
  }
}

/** An answer or a failure, and when it is no longer believed (epoch milliseconds). */
type Remembered = { answer: string[] | string[][]; until: number } | { code: string; message: string; until: number };

interface BudgetEvents {
  answers: () => number;
  halfway: (answersBefore: number) => unknown;
  spent: (answersBefore: number) => unknown;
}

/** One message's clock: started by its first look-up, it fails all that still wait when it has run out. */
class Budget {
  readonly #milliseconds: number;
  readonly #events: BudgetEvents;
  #left = LOOKUPS_MAX;
  #timers: NodeJS.Timeout[] = [];
  #cut = false;
  readonly #waiting = new Set<(error: Error) => void>();

  constructor(milliseconds: number, events: BudgetEvents) {
    this.#milliseconds = milliseconds;
    this.#events = events;
  }

  run<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#cut) return Promise.reject(dnsError('ETIMEOUT', 'the budget for look-ups is spent'));
    if (this.#left-- <= 0) return Promise.reject(dnsError('ESERVFAIL', 'too many look-ups for one message'));
    if (this.#timers.length === 0) this.#start();
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      ask()
        .then(resolve, reject)
        .finally(() => this.#waiting.delete(reject));
    });
  }

  cut(): void {
    this.end();
    this.#cut = true;
    for (const reject of this.#waiting) reject(dnsError('ETIMEOUT', 'no answer within the budget'));
    this.#waiting.clear();
  }

  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #start(): void {
    const before = this.#events.answers();
    this.#timers = [
      setTimeout(() => this.#events.halfway(before), this.#milliseconds / 2),
      setTimeout(() => {
        const starved = this.#waiting.size > 0;
        this.cut();
        if (starved) this.#events.spent(before);
      }, this.#milliseconds),
    ];
  }
}

function dnsError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
