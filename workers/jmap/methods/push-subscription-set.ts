/**
 * PushSubscription/set (RFC 8620 §7.2.2): subscriptions of this login; no account, no states. Until the client sends back
 * the code that only its endpoint was told, nothing but that code is pushed.
 */
import type { Json, SetError } from '../../../shared/jmap/errors.ts';
import { invalidProperties } from '../../../shared/jmap/errors.ts';
import { encodeId } from '../../../shared/jmap/ids.ts';
import { pushSubscriptionObject, readPushSubscriptionCreation, readPushSubscriptionPatch } from '../../../shared/jmap/push-subscription.ts';
import { readArguments } from '../../../shared/jmap/readers.ts';
import { boundedSet, realId, realUpdates, SET_FIELDS, type SetArguments, SetOutcome } from '../../../shared/jmap/set.ts';
import { changePushSubscriptions, newPushSubscriptionId, type PushSubscriptionRow } from '../../store/mail/push-subscriptions.ts';
import type { JmapContext, Method } from '../context.ts';
import { grantVerifications, refreshPushes } from '../push/hub-calls.ts';
import { type OwnSubscriptions, ownSubscriptions } from '../push/own.ts';
import { VERIFICATIONS_MAX } from '../push/pushes.ts';
import { serverKey } from '../push/server-key.ts';

/** Subscriptions of one account: every change of mail may mean a push to each. */
export const SUBSCRIPTIONS_MAX = 32;
/** The longest life without renewal (RFC 8620 §7.2 asks for 48 hours at least, and would like a week). */
const LIFE_MAX_MS = 30 * 86_400_000;
/** 128 bits: guessing is hopeless (RFC 8620 §7.2.2). */
const CODE_OCTETS = 16;
/** Wrong codes after which a subscription is destroyed: somebody subscribed a URL that is not theirs. */
const WRONG_CODES_MAX = 10;

/** One call: the login's subscriptions as they become, and what is to be written of it. */
interface Work extends OwnSubscriptions {
  context: JmapContext;
  known: Map<string, PushSubscriptionRow>;
  put: Map<number, PushSubscriptionRow>;
  destroy: number[];
  now: number;
}

const { create, update, destroy } = SET_FIELDS;

export const pushSubscriptionSet: Method = async (args, context) => {
  const set = boundedSet({ ifInState: null, ...readArguments(args, { create, update, destroy }) }, context.createdIds);
  const own = await ownSubscriptions(context);
  const known = new Map(own.rows.map((row) => [encodeId('PushSubscription', row.id), row]));
  const work: Work = { ...own, context, known, put: new Map(), destroy: [], now: Date.now() };
  const outcome = new SetOutcome();
  await createAll(work, set, outcome);
  const doomed = set.destroy.map((id) => realId(id, context.createdIds));
  for (const [id, patch] of realUpdates(set.update, context.createdIds)) updateOne(work, id, patch, doomed, outcome);
  for (const id of doomed) destroyOne(work, id, outcome);
  if (work.put.size + work.destroy.length > 0) {
    await changePushSubscriptions(context.env, context.account, { put: [...work.put.values()], destroy: work.destroy });
    await refreshPushes(context.env, context.account);
  }
  const { accountId: _, oldState: __, newState: ___, ...answer } = outcome.answer('', '', '');
  return answer;
};

/** Those that are well-formed, as long as there is room; all of them together, if so many verifications may be sent now. */
async function createAll(work: Work, set: SetArguments, outcome: SetOutcome): Promise<void> {
  const rows = new Map<string, PushSubscriptionRow>();
  for (const [key, record] of set.create) {
    const row = await newRow(work, record, work.count + rows.size);
    if ('type' in row) outcome.notCreated.set(key, row);
    else rows.set(key, row);
  }
  if (rows.size === 0) return;
  const granted = await grantVerifications(work.context.env, work.context.account, rows.size);
  for (const [key, row] of rows) {
    if (!granted) {
      outcome.notCreated.set(key, { type: 'rateLimit', description: `at most ${VERIFICATIONS_MAX} new subscriptions an hour` });
      continue;
    }
    const id = encodeId('PushSubscription', row.id);
    work.put.set(row.id, row);
    work.known.set(id, row);
    work.context.createdIds.set(key, id);
    outcome.created.set(key, { id, ...setByServer(row, set.create.get(key) ?? {}) });
  }
}

async function newRow(work: Work, record: Json, count: number): Promise<PushSubscriptionRow | SetError> {
  const { env } = work.context;
  const draft = await readPushSubscriptionCreation(record, env.LOOPBACK_PUSH !== undefined);
  if ('type' in draft) return draft;
  if (count >= SUBSCRIPTIONS_MAX) return { type: 'overQuota', description: `at most ${SUBSCRIPTIONS_MAX} subscriptions` };
  return {
    ...draft,
    ...lifeOf(work, draft.expires),
    id: newPushSubscriptionId(),
    login: work.login,
    code: newCode(),
    verified: false,
    wrongCodes: 0,
    serverKey: (await serverKey(env)).publicKey,
  };
}

/**
 * How long it lives: as the client wishes, but not beyond a session's end; without an end of the login, at most
 * `LIFE_MAX_MS` (RFC 8620 §7.2).
 */
function lifeOf({ ends, now }: Work, wish: number | null): { expires: number | null; ends: number } {
  if (ends !== null) return { expires: wish === null ? null : wholeSeconds(wish), ends: Math.min(wish ?? ends, ends) };
  const expires = wholeSeconds(Math.min(wish ?? Number.MAX_SAFE_INTEGER, now + LIFE_MAX_MS));
  return { expires, ends: expires };
}

/** As a UTCDate tells them. */
function wholeSeconds(time: number): number {
  return Math.floor(time / 1000) * 1000;
}

/** What the client does not know yet: defaults, and an expiry that is not the one it asked for. */
function setByServer(row: PushSubscriptionRow, record: Json): Json {
  const { expires } = pushSubscriptionObject(row);
  const defaults = { keys: null, verificationCode: null, types: null };
  const missing = Object.entries(defaults).filter(([name]) => record[name] === undefined);
  return { ...Object.fromEntries(missing), ...((record.expires ?? null) === expires ? {} : { expires }) };
}

function updateOne(work: Work, id: string, patch: Json, doomed: readonly string[], outcome: SetOutcome): void {
  const row = work.known.get(id);
  const refusal = refusalOf(row, doomed.includes(id));
  if (!row || refusal) {
    outcome.notUpdated.set(id, refusal ?? { type: 'notFound' });
    return;
  }
  const wishes = readPushSubscriptionPatch(row, patch);
  if ('type' in wishes) {
    outcome.notUpdated.set(id, wishes);
    return;
  }
  const { code, types } = wishes;
  if (isWrong(row, code)) {
    noteWrongCode(work, row);
    outcome.notUpdated.set(id, invalidProperties(['verificationCode'], 'this is not the code that was pushed'));
    return;
  }
  const life = wishes.expires === row.expires ? { expires: row.expires, ends: row.ends } : lifeOf(work, wishes.expires);
  const changed = { ...row, types, ...life, verified: row.verified || code !== null };
  keep(work, id, changed);
  const { expires } = pushSubscriptionObject(changed);
  outcome.updated.set(
    id,
    (patch.expires === undefined ? pushSubscriptionObject(row).expires : patch.expires) === expires ? null : { expires },
  );
}

function refusalOf(row: PushSubscriptionRow | undefined, isDoomed: boolean): SetError | null {
  if (!row) return { type: 'notFound' };
  return isDoomed ? { type: 'willDestroy' } : null;
}

/** A code that was verified cannot be taken back either. */
function isWrong({ verified, code: right }: PushSubscriptionRow, code: string | null): boolean {
  return code === null ? verified : code !== right;
}

function noteWrongCode(work: Work, row: PushSubscriptionRow): void {
  if (row.verified) return;
  const id = encodeId('PushSubscription', row.id);
  if (row.wrongCodes + 1 < WRONG_CODES_MAX) keep(work, id, { ...row, wrongCodes: row.wrongCodes + 1 });
  else drop(work, id, row);
}

function destroyOne(work: Work, id: string, outcome: SetOutcome): void {
  const row = work.known.get(id);
  if (row) {
    drop(work, id, row);
    outcome.destroyed.push(id);
  } else outcome.notDestroyed.set(id, { type: 'notFound' });
}

function keep({ known, put }: Work, id: string, row: PushSubscriptionRow): void {
  known.set(id, row);
  put.set(row.id, row);
}

function drop({ known, put, destroy }: Work, id: string, row: PushSubscriptionRow): void {
  known.delete(id);
  put.delete(row.id);
  destroy.push(row.id);
}

function newCode(): string {
  return [...crypto.getRandomValues(new Uint8Array(CODE_OCTETS))].map((octet) => octet.toString(16).padStart(2, '0')).join('');
}
