/**
 * Conversations (RFC 8621 §3): which thread a message joins, decided from its Message-ID, In-Reply-To and
 * References (RFC 5322 §3.6.4). A thread id never changes and threads never merge: a message takes its
 * In-Reply-To's thread, else the first known reference's, else that of a reply that came before it, else a new one.
 */

/** References looked at: the first ones lead to the root, and a header of thousands must cost nothing. */
export const THREAD_LOOKUPS_MAX = 20;
/** Emails in one thread; beyond it a new one begins, so that a delivery into a huge thread has a bounded cost. */
export const THREAD_EMAILS_MAX = 300;
/** Ids longer than this are cut before hashing (RFC 5322 §2.1.1: a line has at most 998 characters). */
const MESSAGE_ID_MAX = 998;

/** The identifiers of one message, hashed, in the order in which they decide. */
export interface ThreadReferences {
  /** Hash of its own Message-ID, or null. */
  own: number | null;
  /** In-Reply-To first, then References from the root on; without `own`. */
  ancestors: number[];
  /** The oldest ancestor named: registered when unknown, so that siblings of a message we never saw meet. */
  root: number | null;
}

/** A Message-ID as a 53-bit integer: the first bits of its SHA-256. Case is kept, white space is not (RFC 5322 §3.6.4). */
export async function hashMessageId(id: string): Promise<number> {
  const text = id.replace(/\s+/g, '').slice(0, MESSAGE_ID_MAX);
  const digest = new DataView(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return digest.getUint32(0) * 2 ** 21 + (digest.getUint32(4) >>> 11);
}

/** Hashes a message's identifiers. */
export async function threadReferences(message: {
  messageId: string[];
  inReplyTo: string[];
  references: string[];
}): Promise<ThreadReferences> {
  const named = [...message.inReplyTo, ...message.references].slice(0, THREAD_LOOKUPS_MAX);
  const own = message.messageId[0] ? await hashMessageId(message.messageId[0]) : null;
  const ancestors = (await Promise.all(named.map(hashMessageId))).filter((hash) => hash !== own);
  const rootId = message.references[0] ?? message.inReplyTo[0];
  const root = rootId === undefined ? null : await hashMessageId(rootId);
  return { own, ancestors: [...new Set(ancestors)], root: root === own ? null : root };
}

/** Where a message belongs, and which hashes are to lead there from now on. */
export interface ThreadChoice {
  /** Null: it begins a thread. */
  thread: number | null;
  /** Hashes to register for its thread: unknown ones, and the root of a thread that was full. */
  register: number[];
}

/**
 * Chooses the thread. `known` maps hashes to threads; `full` says that a thread takes no more. At most two hashes
 * are registered (each is a row written): the message's own, and the root of what it answers.
 */
export function chooseThread(
  references: ThreadReferences,
  known: ReadonlyMap<number, number>,
  full: (thread: number) => boolean,
): ThreadChoice {
  const { own, ancestors, root } = references;
  const order = own === null ? ancestors : [...ancestors, own];
  let overflowed = false;
  for (const hash of order) {
    const thread = known.get(hash);
    if (thread === undefined) continue;
    if (!full(thread)) return { thread, register: own !== null && !known.has(own) ? [own] : [] };
    overflowed = true;
  }
  const register = [own, root].filter((hash) => hash !== null);
  return { thread: null, register: overflowed ? register : register.filter((hash) => !known.has(hash)) };
}
