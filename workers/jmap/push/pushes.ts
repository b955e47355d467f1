/**
 * The pushes of one account's hub (RFC 8620 §7.2): what waits for each subscription lies in the hub's own storage and is
 * sent behind the writer's back, so that nobody waits for a push service and an account without subscriptions costs
 * nothing. An alarm comes for what has to wait, and for what an interrupted hub left. The subscriptions themselves are
 * the database's; a copy is taken whenever they change.
 */
import { encodeId } from '../../../shared/jmap/ids.ts';
import type { Env } from '../../env.ts';
import { liveLogins } from '../../store/directory/logins.ts';
import { changePushSubscriptions, readPushSubscriptions } from '../../store/mail/push-subscriptions.ts';
import type { Account } from '../../store/mail/types.ts';
import { changePush, type Push, post, verificationPush } from './post.ts';
import { isDue, nextTime, noteChanges, putBack, type Subscriber, settle, subscribersOf, take } from './queue.ts';
import { stateChange, type TypeStates } from './state-change.ts';

/** Verifications an account may cause in a window: each one is a request to a URL that somebody merely named (RFC 8620 §8.6). */
export const VERIFICATIONS_MAX = 60;
const VERIFICATIONS_WINDOW_MS = 3_600_000;
/** Rounds of one run; more means that something is always due, and the alarm goes on. */
const ROUNDS_MAX = 20;
/** After so long the alarm comes for what should have been sent at once: a push service has ten seconds. */
const RESCUE_MS = 15_000;
const STORED = 'pushes';

interface Stored {
  /** Null until there was a subscription. */
  account: Account | null;
  subscribers: Subscriber[];
  /** Verifications since `windowFrom`. */
  verifications: number;
  windowFrom: number;
}

export class Pushes {
  readonly #storage: DurableObjectStorage;
  readonly #env: Env;
  #stored: Promise<Stored> | null = null;
  /** Copies are taken one after the other, so that an older one never replaces a newer. */
  #refreshed: Promise<void> = Promise.resolve();
  #running: Promise<void> | null = null;

  constructor(storage: DurableObjectStorage, env: Env) {
    this.#storage = storage;
    this.#env = env;
  }

  /** Notes a change for those who asked; one stored row when somebody did, else none. */
  async changed(changed: TypeStates): Promise<void> {
    const stored = await this.#load();
    if (noteChanges(stored.subscribers, changed)) await this.#keep(stored);
  }

  /** Takes the subscriptions from the database; new ones are sent their verification at once. */
  refresh(account: Account): Promise<void> {
    const copied = this.#refreshed.then(() => this.#copy(account));
    this.#refreshed = copied.catch(() => {});
    return copied;
  }

  async #copy(account: Account): Promise<void> {
    const rows = await readPushSubscriptions(this.#env, account);
    const stored = await this.#load();
    stored.account = account;
    const recipients = rows.map(({ id, url, keys, types, verified, code, ends, serverKey }) => {
      return { id, url, keys, types, verified, code, ends, serverKey };
    });
    stored.subscribers = subscribersOf(recipients, stored.subscribers);
    await this.#keep(stored);
  }

  /** Whether `count` more verifications may be sent now; if so they are counted. */
  async grant(count: number, now = Date.now()): Promise<boolean> {
    const stored = await this.#load();
    if (now - stored.windowFrom > VERIFICATIONS_WINDOW_MS) Object.assign(stored, { verifications: 0, windowFrom: now });
    if (stored.verifications + count > VERIFICATIONS_MAX) return false;
    stored.verifications += count;
    await this.#keep(stored);
    return true;
  }

  /** Destroys what was made by logins that no longer count. Asks nobody when there is no subscription. */
  async endLogins(now = Date.now()): Promise<void> {
    const { account, subscribers } = await this.#load();
    if (!account || subscribers.length === 0) return;
    const live = await liveLogins(this.#env, account.id, now);
    const rows = await readPushSubscriptions(this.#env, account);
    await this.#destroy(
      account,
      rows.filter(({ login }) => !live.has(login)).map(({ id }) => id),
    );
  }

  /** Sends what is due and ends what has expired; resolves when nothing is left to do now. Never throws. */
  run(): Promise<void> {
    this.#running ??= this.#rounds()
      .catch((error) => console.error(JSON.stringify({ event: 'push-failed', error: String(error) })))
      .finally(() => {
        this.#running = null;
      });
    return this.#running;
  }

  async #rounds(): Promise<void> {
    // Left from a hub that did not live to see the answers.
    for (const subscriber of (await this.#load()).subscribers) if (subscriber.sending) putBack(subscriber);
    for (let rounds = 0; rounds < ROUNDS_MAX && (await this.#round(Date.now())); rounds++);
  }

  /** Asks each push service that is due once, all in parallel. False when there was nothing to do. */
  async #round(now: number): Promise<boolean> {
    const stored = await this.#load();
    const { account } = stored;
    const ended = stored.subscribers.filter(({ ends }) => ends <= now);
    const due = stored.subscribers.filter((subscriber) => subscriber.ends > now && isDue(subscriber, now));
    if (!account || ended.length + due.length === 0) return false;
    const pushes = due.map((subscriber) => ({ subscriber, changed: take(subscriber) }));
    await this.#keep(stored);
    const gone = await Promise.all(pushes.map(({ subscriber, changed }) => this.#push(account, subscriber, changed)));
    await this.#destroy(account, [...ended.map(({ id }) => id), ...gone.flat()]);
    return true;
  }

  /** Its id when the subscription is to be destroyed. */
  async #push(account: Account, subscriber: Subscriber, changed: TypeStates): Promise<number[]> {
    const contact = `mailto:postmaster@${account.address.slice(account.address.lastIndexOf('@') + 1)}`;
    const outcome = await post(this.#env, subscriber, contact, await pushFor(account, subscriber, changed));
    // The subscriptions may have been copied anew meanwhile.
    const present = (await this.#load()).subscribers.find(({ id }) => id === subscriber.id);
    return !present || settle(present, outcome, Date.now()) ? [] : [present.id];
  }

  async #destroy(account: Account, ids: readonly number[]): Promise<void> {
    if (ids.length > 0) await changePushSubscriptions(this.#env, account, { put: [], destroy: ids });
    const stored = await this.#load();
    stored.subscribers = stored.subscribers.filter(({ id }) => !ids.includes(id));
    await this.#keep(stored);
  }

  #load(): Promise<Stored> {
    this.#stored ??= this.#storage
      .get<Stored>(STORED)
      .then((stored) => stored ?? { account: null, subscribers: [], verifications: 0, windowFrom: 0 });
    return this.#stored;
  }

  /** Stores it, and sees to it that what is due is sent. */
  async #keep(stored: Stored): Promise<void> {
    const next = nextTime(stored.subscribers);
    await Promise.all([this.#storage.put(STORED, stored), this.#wake(next)]);
    if (next !== null && next <= Date.now()) void this.run();
  }

  /** Sets the alarm. One that comes to the rescue stays: put off again and again it would never come. */
  async #wake(next: number | null): Promise<void> {
    const set = await this.#storage.getAlarm();
    if (next === null) return set === null ? undefined : this.#storage.deleteAlarm();
    const now = Date.now();
    const isRescue = next <= now;
    if (isRescue && set !== null && set <= now + RESCUE_MS) return;
    const wanted = isRescue ? now + RESCUE_MS : next;
    if (set !== wanted) await this.#storage.setAlarm(wanted);
  }
}

function pushFor(account: Account, { id, code, verify }: Subscriber, changed: TypeStates): Push | Promise<Push> {
  if (verify) return verificationPush(encodeId('PushSubscription', id), code);
  return changePush(stateChange(account.id, changed, null), changed);
}
