/**
 * What one JMAP request knows while its calls run: the account, its mail, the ids created so far. States
 * and rows are read once and remembered until a call writes, so that opening a mailbox asks for each only
 * once. A state read before the data can only be older than it, which a client repairs by asking for changes.
 */
import type { Json } from '../../shared/jmap/errors.ts';
import { MethodError } from '../../shared/jmap/errors.ts';
import { decodeId } from '../../shared/jmap/ids.ts';
import type { Env } from '../env.ts';
import { openMail } from '../store/mail/index.ts';
import type { Account, EmailRow, MailStore, StateType } from '../store/mail/types.ts';

export type States = Record<StateType, string>;

export class JmapContext {
  readonly env: Env;
  readonly account: Account;
  readonly mail: MailStore;
  /** Creation id → id, for the whole request (RFC 8620 §3.3). */
  readonly createdIds: Map<string, string>;
  /** The capabilities the client uses, which decide what some answers show (RFC 9425 §4.1). */
  readonly using: ReadonlySet<string>;
  /** What this request may still do, in messages made. */
  #messagesLeft: number;
  #states: Promise<States> | null = null;
  readonly #emails = new Map<number, EmailRow>();

  constructor(env: Env, account: Account, createdIds: Map<string, string> = new Map(), using: ReadonlySet<string> = new Set()) {
    this.env = env;
    this.account = account;
    this.mail = openMail(env, account);
    this.createdIds = createdIds;
    this.using = using;
    this.#messagesLeft = messagesMax(env);
  }

  get messagesLeft(): number {
    return this.#messagesLeft;
  }

  /**
   * Counts work that costs as much as so many messages to be made, imported or parsed do; false when the request has had its
   * share. The first piece of work always passes: there is no smaller request for it.
   */
  take(messages = 1): boolean {
    const isFirst = this.#messagesLeft === messagesMax(this.env);
    if (!isFirst && this.#messagesLeft < messages) return false;
    this.#messagesLeft = Math.max(0, this.#messagesLeft - messages);
    return true;
  }

  /** The states of all types; one query in a request that only reads. */
  states(): Promise<States> {
    this.#states ??= this.mail.states();
    return this.#states;
  }

  /** Emails by id, in the order asked, without those that are not there. A row read by an earlier call of the request is not read again. */
  async emails(ids: readonly number[]): Promise<EmailRow[]> {
    const missing = ids.filter((id) => !this.#emails.has(id));
    for (const row of missing.length === 0 ? [] : await this.mail.emails(missing)) this.#emails.set(row.id, row);
    return ids.flatMap((id) => this.#emails.get(id) ?? []);
  }

  /** To be called after a write: what was read is asked for again, but for states that the write told. */
  wrote(states: States | null = null): void {
    this.#states = states && Promise.resolve(states);
    this.#emails.clear();
  }

  /** The `accountId` argument, checked: only the caller's own account exists for it. */
  accountId(args: Json): string {
    const { accountId } = args;
    if (typeof accountId !== 'string') throw new MethodError('invalidArguments', 'accountId must be an id', { arguments: ['accountId'] });
    if (decodeId('Account', accountId) !== this.account.id) throw new MethodError('accountNotFound');
    return accountId;
  }
}

/** Each message costs queries, reads and writes of the bucket and its scan; a deployment says how many fit into one request. */
function messagesMax(env: Env): number {
  const max = Number(env.MESSAGES_PER_REQUEST);
  return Number.isSafeInteger(max) && max > 0 ? max : Number.POSITIVE_INFINITY;
}

/** The arguments of the one response, or several responses, each with its name (RFC 8620 §3.4). */
export type MethodAnswer = Json | [name: string, args: Json][];

/** One JMAP method. It throws `MethodError`; anything else it throws is answered with `serverFail`. */
export type Method = (args: Json, context: JmapContext) => Promise<MethodAnswer>;
