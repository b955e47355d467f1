/**
 * Subscriptions to names that have no mailbox any more (RFC 9051 §6.3.7: a server does not take a name from the list because its
 * mailbox is gone). A mailbox's own subscription is a property of it (RFC 8621 §2); the names left over lie in an annotation of
 * the server, so that every receiver knows them. Kept within its size: the oldest are forgotten.
 */
import { METADATA_VALUE_MAX } from '../../shared/metadata.ts';
import { Refusal, type Session } from './session.ts';
import { decodeUtf8, encodeUtf8 } from './wire/bytes.ts';

const ENTRY = '/private/vendor/posthouse/subscriptions';

/** Names subscribed to that no mailbox has. */
export function orphanedNames(session: Session): string[] {
  return readNames(session).filter((name) => !session.find(name));
}

/** The mailbox of that name was subscribed, and is gone. */
export function keepName(session: Session, name: string): Promise<void> {
  return writeNames(session, [...readNames(session).filter((other) => other !== name), name]);
}

/** The name is no longer subscribed to, or has a mailbox again, whose own subscription counts. */
export async function dropName(session: Session, name: string): Promise<void> {
  const names = readNames(session);
  if (names.includes(name)) {
    await writeNames(
      session,
      names.filter((other) => other !== name),
    );
  }
}

function readNames(session: Session): string[] {
  const value = session.metadata(null).get(ENTRY);
  if (value === undefined) return [];
  try {
    const names: unknown = JSON.parse(decodeUtf8(value) ?? '');
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string' && name !== '') : [];
  } catch {
    // Any client may write annotations; this one wrote something else there.
    return [];
  }
}

/** What the list is worth is not worth failing the command that has been done: without room or edge it stays as it was. */
async function writeNames(session: Session, names: string[]): Promise<void> {
  const kept = [...names];
  while (kept.length > 0 && textOf(kept).length > METADATA_VALUE_MAX) kept.shift();
  const value = kept.length === 0 ? null : textOf(kept);
  await session.setMetadata(null, new Map([[ENTRY, value]])).catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error;
  });
}

function textOf(names: string[]): string {
  return encodeUtf8(JSON.stringify(names));
}
