/**
 * The message being written: begun from nothing, a reply, a forward or a draft; saved a moment after each
 * change; sent in one request. What was written survives every failure, and a lost session too.
 */
import { signal } from '@preact/signals';
import { type Answers, type GetAnswer, RequestFailure, type SetAnswer } from '../jmap/client.ts';
import { BODY_PROPERTIES, DETAIL_PROPERTIES, type EmailDetail, type Id } from '../jmap/types.ts';
import { t } from '../text/messages.ts';
import { distinct, parseRecipients } from '../writing/addresses.ts';
import { afterSendCalls, type Draft, isEmpty, saveCalls, sendCalls } from '../writing/draft.ts';
import type { ReplyKind } from '../writing/reply.ts';
import { complain } from './actions.ts';
import { fetchBody } from './conversation.ts';
import { identities, loadIdentities } from './identities.ts';
import { byRole } from './mailboxes.ts';
import { jmap, noteFailure, who } from './session.ts';
import { refresh } from './sync.ts';
import { show } from './toasts.ts';

export type WriteState = 'idle' | 'changed' | 'saving' | 'saved' | 'saveFailed' | 'sending';
export type RecipientField = 'to' | 'cc' | 'bcc';
export interface Composer {
  draft: Draft;
  beginning: Draft;
  title: 'write.title' | 'write.reply' | 'write.forward';
  state: WriteState;
  /** What keeps it from being sent; shown beside Send. */
  problem: string;
  /** Typed into the recipient fields and not yet an address: it is sent to, or complained about, never dropped. */
  unfinished: Partial<Record<RecipientField, string>>;
}

export const composer = signal<Composer | null>(null);
/** Raised to bring the composer to the front when it is there already. */
export const composerCalls = signal(0);
/** Long enough to type a sentence, short enough to lose none. */
const SAVE_PAUSE_MS = 2_000;
let saveTimer: ReturnType<typeof setTimeout> | undefined;
let saving: Promise<void> = Promise.resolve();

export async function write(start: Partial<Draft> = {}, title: Composer['title'] = 'write.title'): Promise<void> {
  if (composer.value) {
    if (Object.keys(start).length === 0) {
      composerCalls.value++;
      return;
    }
    await close();
  }
  try {
    const own = await loadIdentities();
    const identity = own.find(({ email }) => email === start.from?.email) ?? own[0];
    const from = { name: identity?.name || null, email: identity?.email ?? who.value.address };
    const draft: Draft = {
      identityId: identity?.id ?? '',
      to: [],
      cc: [],
      bcc: [],
      subject: '',
      body: '',
      attachments: [],
      inReplyTo: null,
      references: null,
      answers: null,
      savedId: null,
      ...start,
      from,
    };
    composer.value = { draft, beginning: draft, title, state: 'idle', problem: '', unfinished: {} };
  } catch (error) {
    complain(error);
  }
}

/** Begins a reply or a forward of a message. */
export async function answer(kind: ReplyKind, message: EmailDetail): Promise<void> {
  try {
    const [{ beginning }, own] = await Promise.all([import('../writing/beginning.ts'), loadIdentities()]);
    const values = await fetchBody(message.id);
    const start = beginning(kind, message, values, own);
    await write(start, kind === 'forward' ? 'write.forward' : 'write.reply');
  } catch (error) {
    complain(error);
  }
}

/** Goes on with a draft that lies in Drafts. */
export async function editDraft(id: Id): Promise<void> {
  try {
    const args = { ids: [id], properties: DETAIL_PROPERTIES, bodyProperties: BODY_PROPERTIES };
    const answers = await jmap().send([['Email/get', args, 'draft']]);
    const message = answers.get<GetAnswer<EmailDetail>>('draft').list[0];
    if (!message) throw new RequestFailure('refused', 'notFound', t('read.gone'));
    const [{ resumed }, values] = await Promise.all([import('../writing/beginning.ts'), fetchBody(id)]);
    await write(resumed(message, values));
  } catch (error) {
    complain(error);
  }
}

/** Changes the draft; it is saved a moment later. */
export function change(part: Partial<Draft>): void {
  const now = composer.value;
  if (!now) return;
  composer.value = { ...now, draft: { ...now.draft, ...part }, state: now.state === 'sending' ? 'sending' : 'changed', problem: '' };
  clearTimeout(saveTimer);
  saveTimer = setTimeout(() => void save(), SAVE_PAUSE_MS);
}

/** Saves now, after any saving that is under way. */
export function save(): Promise<void> {
  clearTimeout(saveTimer);
  saving = saving.then(saveOnce);
  return saving;
}

async function saveOnce(): Promise<void> {
  const now = composer.value;
  const drafts = byRole('drafts');
  if (!now || !drafts || now.state !== 'changed') return;
  composer.value = { ...now, state: 'saving' };
  try {
    const savedId = createdId(await jmap().send(saveCalls(now.draft, drafts.id)), 'save', 'draft');
    settle('saved', savedId);
  } catch (error) {
    noteFailure(error);
    settle('saveFailed', now.draft.savedId);
  }
}

/** What was typed while the request was under way stays, and is still to be saved. */
function settle(state: 'saved' | 'saveFailed', savedId: Id | null): void {
  const now = composer.value;
  if (!now) return;
  composer.value = { ...now, draft: { ...now.draft, savedId }, state: now.state === 'saving' ? state : now.state };
}

function createdId(answers: Answers, call: string, creation: string): Id {
  const set = answers.get<SetAnswer>(call, call === 'submit' ? 'EmailSubmission/set' : undefined);
  const refused = set.notCreated?.[creation];
  const created = set.created?.[creation];
  if (refused || !created) throw new RequestFailure('refused', refused?.type ?? 'notCreated', refused?.description);
  return created.id;
}

/** Sends; on refusal the message stays open and says why. */
export async function send(): Promise<void> {
  clearTimeout(saveTimer);
  await saving;
  const problem = takeUnfinished();
  const now = composer.value;
  if (!now || now.state === 'sending') return;
  if (problem) {
    composer.value = { ...now, problem };
    return;
  }
  composer.value = { ...now, state: 'sending', problem: '' };
  await submit(now.draft);
}

/** What is in a recipient field now; the field tells at each key. */
export function noteUnfinished(field: RecipientField, text: string): void {
  if (composer.value) composer.value.unfinished[field] = text;
}

/** Makes recipients of what was typed last; the answer says what still keeps the message from being sent. */
function takeUnfinished(): string {
  for (const field of ['to', 'cc', 'bcc'] as const) {
    const now = composer.value;
    const { addresses, rest } = parseRecipients(now?.unfinished[field] ?? '');
    if (!now || rest[0] !== undefined) return rest[0] === undefined ? '' : t('write.badAddress', { text: rest[0] });
    if (addresses.length > 0) change({ [field]: distinct([...now.draft[field], ...addresses]) });
  }
  clearTimeout(saveTimer);
  return composer.value ? whyNot(composer.value.draft) : '';
}

/** What is missing before it can be sent; empty when nothing is. */
export function whyNot({ to, cc, bcc, attachments }: Draft): string {
  if (to.length + cc.length + bcc.length === 0) return t('write.noRecipient');
  const failed = attachments.find((attachment) => attachment.failed);
  if (failed) return t('write.uploadFailed', { name: failed.name });
  return attachments.some(({ blobId }) => blobId === null) ? t('write.uploading') : '';
}

async function submit(draft: Draft): Promise<void> {
  const drafts = byRole('drafts');
  const sent = byRole('sent');
  try {
    if (!drafts || !sent) throw new RequestFailure('refused', t('failed.folderMissing'));
    const answers = await jmap().send(sendCalls(draft, drafts.id, sent.id));
    const made = createdId(answers, 'save', 'draft');
    try {
      createdId(answers, 'submit', 'submission');
    } catch (error) {
      await replaceDraft(draft, made);
      throw error;
    }
    composer.value = null;
    show({ text: t('done.sent') });
    const after = afterSendCalls(draft);
    if (after.length > 0) await jmap().send(after);
    await refresh();
  } catch (error) {
    noteFailure(error);
    const now = composer.value;
    const reason = error instanceof RequestFailure && error.kind === 'offline' ? t('failed.offline') : String((error as Error).message);
    if (now) composer.value = { ...now, state: 'saveFailed', problem: t('write.sendFailed', { reason }) };
    else complain(error);
  }
}

/** The refused message is the newer draft: the older one goes. */
async function replaceDraft(draft: Draft, made: Id): Promise<void> {
  settle('saved', made);
  if (draft.savedId !== null) await jmap().send([['Email/set', { destroy: [draft.savedId] }, 'after']]);
}

/** Closes; what was written is kept as a draft. */
export async function close(): Promise<void> {
  const now = composer.value;
  if (!now) return;
  if (now.state === 'changed' && !isEmpty(now.draft, now.beginning)) await save();
  else await saving;
  if (composer.value?.state === 'saveFailed') return;
  clearTimeout(saveTimer);
  const kept = composer.value?.draft.savedId ?? null;
  composer.value = null;
  if (kept !== null && kept !== now.beginning.savedId) await refresh();
}

/** Throws the message away, its saved draft too. */
export async function discard(): Promise<void> {
  clearTimeout(saveTimer);
  await saving;
  const savedId = composer.value?.draft.savedId ?? null;
  composer.value = null;
  show({ text: t('done.discarded') });
  if (savedId === null) return;
  try {
    await jmap().send([['Email/set', { destroy: [savedId] }, 'after']]);
    await refresh();
  } catch (error) {
    complain(error);
  }
}

/** The empty inbox's offer: a message from oneself to oneself. */
export async function sendTest(): Promise<void> {
  const address = { name: null, email: who.value.address };
  await write({ to: [address], subject: t('list.testSubject'), body: t('list.testBody') });
  if (identities.value.length > 0) await send();
}
