/** The open conversation: its messages (RFC 8621 §3), which of them are unfolded, and their texts. */
import { signal } from '@preact/signals';
import { type Answers, type Call, type GetAnswer, reference } from '../jmap/client.ts';
import { BODY_PROPERTIES, type BodyValue, DETAIL_PROPERTIES, type EmailDetail, type Id } from '../jmap/types.ts';
import { isUnread, takeEmails, takeThreads } from './emails.ts';
import { jmap, noteFailure } from './session.ts';

/** Characters of text asked for per part: a longer message is cut and says so. */
const BODY_VALUE_MAX = 1024 * 1024;

export interface Conversation {
  threadId: Id;
  state: 'loading' | 'ready' | 'failed' | 'gone';
  messages: EmailDetail[];
  unfolded: ReadonlySet<Id>;
}

export interface BodyText {
  state: 'loading' | 'ready' | 'failed';
  values: Record<string, BodyValue>;
}

export const conversation = signal<Conversation | null>(null);
/** Texts by email id. They never change (RFC 8621 §4), so they are kept as long as the page lives. */
export const bodies = signal<ReadonlyMap<Id, BodyText>>(new Map());
/** Texts kept at once; the oldest are asked for again. */
const BODIES_MAX = 200;

function threadCalls(threadId: Id): Call[] {
  return [
    ['Thread/get', { ids: [threadId] }, 'thread'],
    [
      'Email/get',
      { '#ids': reference('thread', 'Thread/get', '/list/*/emailIds'), properties: DETAIL_PROPERTIES, bodyProperties: BODY_PROPERTIES },
      'messages',
    ],
  ];
}

/** Opens a thread; `mailboxId` decides which messages are left out (those in Trash, unless one is there). */
export async function openConversation(threadId: Id, hides: (message: EmailDetail) => boolean): Promise<void> {
  conversation.value = { threadId, state: 'loading', messages: [], unfolded: new Set() };
  try {
    const answers = await jmap().send(threadCalls(threadId));
    if (conversation.value?.threadId !== threadId) return;
    const messages = takeThread(answers).filter((message) => !hides(message));
    const unfolded = new Set(messages.filter(isUnread).map(({ id }) => id));
    const last = messages.findLast(({ keywords }) => !keywords.$draft) ?? messages.at(-1);
    if (last) unfolded.add(last.id);
    conversation.value = { threadId, state: messages.length > 0 ? 'ready' : 'gone', messages, unfolded };
    for (const id of unfolded) void loadBody(id);
  } catch (error) {
    noteFailure(error);
    if (conversation.value?.threadId === threadId) conversation.value = { ...conversation.value, state: 'failed' };
  }
}

/** The calls that ask again for the open conversation, and what to do with their answer. */
export function conversationRefresh(hides: (message: EmailDetail) => boolean): { calls: Call[]; take: (answers: Answers) => void } {
  const open = conversation.value;
  if (open?.state !== 'ready') return { calls: [], take: () => {} };
  const take = (answers: Answers) => {
    const now = conversation.value;
    if (now?.threadId !== open.threadId || !answers.find('messages')) return;
    const messages = takeThread(answers).filter((message) => !hides(message));
    const known = new Set(open.messages.map(({ id }) => id));
    const arrived = messages.filter(({ id }) => !known.has(id)).map(({ id }) => id);
    for (const id of arrived) void loadBody(id);
    const unfolded = new Set([...now.unfolded, ...arrived]);
    conversation.value = { ...now, messages, unfolded, state: messages.length > 0 ? 'ready' : 'gone' };
  };
  return { calls: threadCalls(open.threadId), take };
}

function takeThread(answers: Answers): EmailDetail[] {
  const { list } = answers.get<GetAnswer<EmailDetail>>('messages');
  takeThreads(answers.get<GetAnswer<{ id: Id; emailIds: Id[] }>>('thread').list);
  return takeEmails(list).sort((a, b) => a.receivedAt.localeCompare(b.receivedAt));
}

export function closeConversation(): void {
  conversation.value = null;
}

export function toggleFold(id: Id): void {
  const open = conversation.value;
  if (!open) return;
  const unfolded = new Set(open.unfolded);
  if (!unfolded.delete(id)) {
    unfolded.add(id);
    void loadBody(id);
  }
  conversation.value = { ...open, unfolded };
}

/** Asks for a message's text, unless it is there. */
export async function loadBody(id: Id, again = false): Promise<void> {
  if (bodies.value.has(id) && !again) return;
  keepBody(id, { state: 'loading', values: {} });
  try {
    keepBody(id, { state: 'ready', values: await fetchBody(id) });
  } catch (error) {
    noteFailure(error);
    keepBody(id, { state: 'failed', values: {} });
  }
}

/** The text values of a message's parts. Throws RequestFailure. */
export async function fetchBody(id: Id): Promise<Record<string, BodyValue>> {
  const args = {
    ids: [id],
    properties: ['id', 'bodyValues'],
    fetchTextBodyValues: true,
    fetchHTMLBodyValues: true,
    maxBodyValueBytes: BODY_VALUE_MAX,
  };
  const answers = await jmap().send([['Email/get', args, 'body']]);
  return answers.get<GetAnswer<{ bodyValues: Record<string, BodyValue> }>>('body').list[0]?.bodyValues ?? {};
}

function keepBody(id: Id, body: BodyText): void {
  const next = new Map(bodies.value);
  next.delete(id);
  next.set(id, body);
  for (const oldest of next.keys()) {
    if (next.size <= BODIES_MAX) break;
    next.delete(oldest);
  }
  bodies.value = next;
}
