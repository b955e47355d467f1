/** Two sides of a synchronisation as sets: a Maildir on disk and the account on the server, message by message and flag by flag. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ImapFlow } from 'imapflow';

/** The field by which a message is known again wherever it went. */
export const MARK = 'X-Interop';

/** `mark` → sorted flags, of one folder; a message that is there twice is an error. */
export type Folder = Map<string, string>;

const LETTERS: Record<string, string> = { D: '\\Draft', F: '\\Flagged', R: '\\Answered', S: '\\Seen', T: '\\Deleted' };

/** What a Maildir folder (with `cur`, `new`) holds. */
export async function readMaildir(folder: string): Promise<Folder> {
  const found: Folder = new Map();
  for (const part of ['cur', 'new']) {
    for (const file of await readdir(path.join(folder, part)).catch(() => [])) {
      const letters = /:2,([A-Z]*)$/.exec(file)?.[1] ?? '';
      note(
        found,
        markOf(await readFile(path.join(folder, part, file), 'latin1')),
        [...letters].map((letter) => LETTERS[letter] ?? letter),
      );
    }
  }
  return found;
}

/** What a mailbox on the server holds. */
export async function readMailbox(imap: ImapFlow, mailbox: string): Promise<Folder> {
  const found: Folder = new Map();
  const lock = await imap.getMailboxLock(mailbox);
  try {
    await imap.noop();
    if (imap.mailbox === false || imap.mailbox.exists === 0) return found;
    for await (const { flags = new Set(), headers } of imap.fetch('1:*', { flags: true, headers: [MARK] })) {
      note(
        found,
        markOf(headers?.toString('latin1') ?? ''),
        [...flags].map(String).filter((flag) => flag !== '\\Recent'),
      );
    }
  } finally {
    lock.release();
  }
  return found;
}

function markOf(raw: string): string {
  const mark = new RegExp(`^${MARK}: *(\\S+)`, 'im').exec(raw)?.[1];
  if (mark === undefined) throw new Error(`a message without ${MARK}: ${raw.slice(0, 200)}`);
  return mark;
}

function note(found: Folder, mark: string, flags: string[]): void {
  if (found.has(mark)) throw new Error(`message ${mark} is there twice`);
  found.set(mark, flags.sort().join(' '));
}

/** A message with its mark. */
export function marked(mark: string, raw: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${MARK}: ${mark}\r\n`), raw]);
}
