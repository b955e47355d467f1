/** The fake server's methods: enough of RFC 8620 and 8621 for the webmail, one function each. */
import type { FakeStore } from './store.ts';
import { type FakeEmail, makeEmail } from './world.ts';

type Args = Record<string, unknown>;
type Result = Args | { error: string };
type Method = (store: FakeStore, args: Args, created: Map<string, string>) => Result;

const state = (store: FakeStore) => String(store.modseq);

function get<T extends { id: string }>(store: FakeStore, args: Args, find: (id: string) => T | undefined, all: () => T[]): Result {
  const ids = args.ids as string[] | null;
  const found = ids === null ? all() : ids.flatMap((id) => find(id) ?? []);
  const properties = args.properties as string[] | undefined;
  const list = [...new Set(found)].map((item) =>
    properties ? Object.fromEntries([...properties, 'id'].map((name) => [name, (item as Args)[name]])) : item,
  );
  return { accountId: args.accountId, state: state(store), list, notFound: (ids ?? []).filter((id) => !find(id)) };
}

function emailQuery(store: FakeStore, args: Args): Result {
  const all = store.query((args.filter ?? {}) as Args, args.collapseThreads === true);
  let position = Number(args.position ?? 0);
  if (typeof args.anchor === 'string') {
    const at = all.indexOf(args.anchor);
    if (at < 0) return { error: 'anchorNotFound' };
    position = Math.max(0, at + Number(args.anchorOffset ?? 0));
  }
  const ids = all.slice(position, position + Number(args.limit ?? 50));
  const total = args.calculateTotal === true ? { total: all.length } : {};
  return { accountId: args.accountId, queryState: state(store), canCalculateChanges: false, position, ids, ...total };
}

function emailSet(store: FakeStore, args: Args, created: Map<string, string>): Result {
  const oldState = state(store);
  const made: Record<string, Args> = {};
  for (const [key, value] of Object.entries((args.create ?? {}) as Record<string, Args>)) {
    const email = create(store, value);
    created.set(key, email.id);
    made[key] = { id: email.id, blobId: email.blobId, threadId: email.threadId, size: email.size };
  }
  const updated: Record<string, null> = {};
  const notUpdated: Record<string, Args> = {};
  for (const [id, patch] of Object.entries((args.update ?? {}) as Record<string, Args>)) {
    const email = store.emails.get(id);
    if (!email) notUpdated[id] = { type: 'notFound' };
    else if (email.subject.includes('refuse')) notUpdated[id] = { type: 'forbidden', description: 'This one may not be changed.' };
    else {
      applyPatch(email, patch);
      updated[id] = null;
    }
  }
  const destroyed = (args.destroy ?? []) as string[];
  for (const id of destroyed) store.emails.delete(id);
  if (Object.keys(made).length + Object.keys(updated).length + destroyed.length > 0) store.touch();
  return { accountId: args.accountId, oldState, newState: state(store), created: made, updated, destroyed, notUpdated };
}

export function applyPatch(email: FakeEmail, patch: Args): void {
  for (const [path, value] of Object.entries(patch)) {
    const [property = '', key] = path.split('/');
    const target = email as unknown as Record<string, Record<string, unknown>>;
    if (key === undefined) target[property] = value as Record<string, unknown>;
    else {
      const map = { ...target[property] };
      if (value === null) delete map[key];
      else map[key] = value;
      target[property] = map;
    }
  }
}

function create(store: FakeStore, given: Args): FakeEmail {
  const values = (given.bodyValues ?? {}) as Record<string, { value: string }>;
  const parts = (given.textBody ?? []) as { partId: string }[];
  const text = values[parts[0]?.partId ?? '']?.value ?? '';
  const attachments = ((given.attachments ?? []) as Args[]).map(
    (one) =>
      ({
        partId: String(one.blobId),
        cid: null,
        size: store.blobs.get(String(one.blobId))?.bytes.length ?? 0,
        ...one,
      }) as FakeEmail['attachments'][number],
  );
  const inReplyTo = (given.inReplyTo ?? null) as string[] | null;
  const parent = store.sorted().find(({ messageId }) => messageId.some((id) => inReplyTo?.includes(id)));
  const { textBody: _text, bodyValues: _values, ...rest } = given;
  const id = `Mnew${store.modseq}${store.emails.size}`;
  const email = makeEmail(
    {
      cc: [],
      bcc: [],
      to: [],
      ...rest,
      id,
      threadId: parent?.threadId ?? `Tnew${store.modseq}${store.emails.size}`,
      inReplyTo,
      attachments,
      hasAttachment: attachments.length > 0,
    },
    text,
  );
  store.emails.set(id, email);
  return email;
}

function submissionSet(store: FakeStore, args: Args, created: Map<string, string>): Result {
  const made: Record<string, Args> = {};
  const notCreated: Record<string, Args> = {};
  for (const [key, value] of Object.entries((args.create ?? {}) as Record<string, Args>)) {
    const id = String(value.emailId).startsWith('#') ? created.get(String(value.emailId).slice(1)) : String(value.emailId);
    const email = store.emails.get(id ?? '');
    if (!email) notCreated[key] = { type: 'emailNotFound' };
    else if (email.to.some(({ email: to }) => to.startsWith('nobody@')))
      notCreated[key] = { type: 'forbiddenToSend', description: 'There is nobody at that address.' };
    else {
      made[key] = { id: `S${email.id}` };
      const update = ((args.onSuccessUpdateEmail ?? {}) as Record<string, Args>)[`#${key}`];
      if (update) applyPatch(email, update);
      if (email.to.some(({ email: to }) => to === 'me@example.test')) {
        const copy = {
          ...email,
          id: `${email.id}copy`,
          mailboxIds: { Finbox: true as const },
          keywords: {},
          receivedAt: new Date().toISOString(),
        };
        store.emails.set(copy.id, copy);
      }
    }
  }
  store.touch();
  return { accountId: args.accountId, created: made, notCreated };
}

function mailboxSet(store: FakeStore, args: Args): Result {
  const made: Record<string, Args> = {};
  for (const [key, value] of Object.entries((args.create ?? {}) as Record<string, Args>)) {
    const id = `Fnew${store.modseq}`;
    store.mailboxes.push({ id, name: String(value.name), parentId: null, role: null, sortOrder: 10 });
    made[key] = { id };
  }
  store.touch();
  return { accountId: args.accountId, created: made };
}

export const METHODS: Record<string, Method> = {
  'Mailbox/get': (store, args) => {
    const all = () => store.mailboxes.map((mailbox) => ({ ...mailbox, ...store.counts(mailbox.id) }));
    return get(store, args, (id) => all().find((mailbox) => mailbox.id === id), all);
  },
  'Mailbox/set': mailboxSet,
  'Email/query': emailQuery,
  'Email/get': (store, args) =>
    get(
      store,
      args,
      (id) => store.emails.get(id),
      () => [],
    ),
  'Email/set': emailSet,
  'Thread/get': (store, args) =>
    get(
      store,
      args,
      (id) => (store.thread(id).length > 0 ? { id, emailIds: store.thread(id).map((email) => email.id) } : undefined),
      () => [],
    ),
  'Identity/get': (store, args) =>
    get(
      store,
      args,
      () => undefined,
      () => [{ id: 'I1', name: 'Mei Lindqvist', email: 'me@example.test', replyTo: null }],
    ),
  'EmailSubmission/set': submissionSet,
};
