/**
 * CREATE, DELETE, RENAME and SUBSCRIBE (RFC 9051 §6.3.4–6.3.8) as the edge's mailbox operations. Names are
 * resolved in the mirror's tree; missing levels are made one after the other, because each needs the id of the one above.
 */
import { type Role, roleOfSpecialUse } from '../../shared/roles.ts';
import { Refusal } from '../imap/session.ts';
import { slices } from './flag-writes.ts';
import type { Mirror } from './mirror.ts';
import { accept, submit } from './results.ts';
import { SEPARATOR, type TreeMailbox, withInbox } from './tree.ts';

/** RFC 8621 §2: a name is at most 255 octets (the edge's limit per level). */
const LEVEL_OCTETS_MAX = 255;
/** Levels one CREATE may ask for: each missing one is a commit. */
const LEVELS_MAX = 16;

/** Makes the mailbox and the levels above it that are missing. */
export async function createMailbox(mirror: Mirror, name: string, specialUse: string | null): Promise<TreeMailbox> {
  const levels = levelsOf(name);
  const role = specialUse === null ? null : roleOfSpecialUse(specialUse);
  if (role === undefined) throw new Refusal('USEATTR', 'No such special use');
  if (mirror.tree.find(levels.join(SEPARATOR))) throw new Refusal('ALREADYEXISTS', 'The mailbox exists');
  refuseTakenUse(mirror, role);
  const parent = await ensureParent(mirror, levels);
  return makeLevel(mirror, parent, levels.at(-1) ?? '', role).catch((error: unknown) => {
    // Somebody else may have taken the use meanwhile; the edge's answer has told the tree.
    if (error instanceof Refusal && error.code === 'ALREADYEXISTS') refuseTakenUse(mirror, role);
    throw error;
  });
}

/** RFC 6154 §3: a special use belongs to one mailbox here. */
function refuseTakenUse(mirror: Mirror, role: Role | null): void {
  if (role !== null && mirror.tree.list.some(({ row }) => row.role === role)) throw new Refusal('USEATTR', 'Another mailbox has this use');
}

export async function deleteMailbox(mirror: Mirror, name: string): Promise<void> {
  const mailbox = existing(mirror, name);
  if (mailbox.row.role === 'inbox') throw new Refusal('CANNOT', 'INBOX cannot be deleted');
  if (mailbox.hasChildren) throw new Refusal('HASCHILDREN', 'The mailbox has children');
  const operation = { op: 'destroyMailbox', mailbox: mailbox.row.id, expungeEmails: true } as const;
  const result = await mirror.commits.submit(operation).catch((error: unknown) => mirror.refuse(error));
  if (result.ok || result.error !== 'tooLarge') {
    accept(result);
    return;
  }
  await emptyMailbox(mirror, mailbox.row.id);
  await submit(mirror, operation);
}

/** A mailbox with more mail than one operation removes is emptied piece by piece before. */
async function emptyMailbox(mirror: Mirror, mailbox: number): Promise<void> {
  const pieces = slices([...mirror.live(mailbox).uids()]).flatMap((uids) => [
    submit(mirror, { op: 'store', mailbox, uids, deleted: true }),
    submit(mirror, { op: 'expunge', mailbox, uids }),
  ]);
  await Promise.all(pieces);
}

/** Renaming INBOX moves its messages into a new mailbox and leaves INBOX and its children (RFC 9051 §6.3.6). */
export async function renameMailbox(mirror: Mirror, from: string, to: string): Promise<void> {
  const source = existing(mirror, from);
  if (source.row.role === 'inbox') return emptyInboxInto(mirror, source, to);
  const levels = levelsOf(to);
  const target = levels.join(SEPARATOR);
  if (mirror.tree.find(target)) throw new Refusal('ALREADYEXISTS', 'The mailbox exists');
  if (target.startsWith(`${source.name}${SEPARATOR}`)) throw new Refusal('CANNOT', 'A mailbox cannot be moved below itself');
  const parent = await ensureParent(mirror, levels);
  const leaf = levels.at(-1) ?? '';
  const name = leaf === source.leaf ? source.row.name : leaf;
  await submit(mirror, { op: 'updateMailbox', mailbox: source.row.id, parent, name }, CREATE_ERRORS);
}

export async function subscribeMailbox(mirror: Mirror, name: string, subscribed: boolean): Promise<void> {
  const mailbox = existing(mirror, name);
  if (mailbox.subscribed !== subscribed) await submit(mirror, { op: 'updateMailbox', mailbox: mailbox.row.id, subscribed });
}

/** The mailbox of that name. Throws `Refusal('NONEXISTENT')`. */
export function existing(mirror: Mirror, name: string): TreeMailbox {
  const mailbox = mirror.tree.find(name);
  if (!mailbox) throw new Refusal('NONEXISTENT', 'No such mailbox');
  return mailbox;
}

/** The mailbox to write to. Throws `Refusal('TRYCREATE')` (RFC 9051 §6.4.7). */
export function targetMailbox(mirror: Mirror, name: string): TreeMailbox {
  const mailbox = mirror.tree.find(name);
  if (!mailbox) throw new Refusal('TRYCREATE', 'No such mailbox');
  return mailbox;
}

const CREATE_ERRORS = { notFound: 'NONEXISTENT', invalid: 'CANNOT', tooLarge: 'LIMIT' } as const;

/** A trailing separator only says that children will follow (RFC 9051 §6.3.4). */
function levelsOf(name: string): string[] {
  const levels = withInbox(name).normalize('NFC').replace(/\/$/, '').split(SEPARATOR);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  const good = (level: string) => level !== '' && Buffer.byteLength(level) <= LEVEL_OCTETS_MAX && !/[\u0000-\u001f\u007f]/.test(level);
  if (levels.length > LEVELS_MAX || !levels.every(good)) throw new Refusal('CANNOT', 'Not a name for a mailbox');
  return levels;
}

/** The id of the level above the last, made when missing; null at the top. */
async function ensureParent(mirror: Mirror, levels: string[]): Promise<number | null> {
  let parent: number | null = null;
  for (let depth = 1; depth < levels.length; depth++) {
    const known = mirror.tree.find(levels.slice(0, depth).join(SEPARATOR));
    parent = known ? known.row.id : (await makeLevel(mirror, parent, levels[depth - 1] ?? '', null)).row.id;
  }
  return parent;
}

/** Subscribed, because whoever makes a mailbox wants to see it, and clients that show only subscribed ones are many. */
async function makeLevel(mirror: Mirror, parent: number | null, name: string, role: Role | null): Promise<TreeMailbox> {
  const { id } = await submit(mirror, { op: 'createMailbox', parent, name, role, subscribed: true }, CREATE_ERRORS);
  const made = id === undefined ? undefined : mirror.tree.get(id);
  if (!made) throw new Refusal(null, 'The mailbox was made and is gone again');
  return made;
}

async function emptyInboxInto(mirror: Mirror, inbox: TreeMailbox, name: string): Promise<void> {
  const target = await createMailbox(mirror, name, null);
  const uids = [...mirror.live(inbox.row.id).uids()];
  const moves = slices(uids).map((some) => submit(mirror, { op: 'move', mailbox: inbox.row.id, uids: some, to: target.row.id }));
  await Promise.all(moves);
}
