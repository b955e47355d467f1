/**
 * The mirror's SQLite file: its tables, its version, and how it is opened. The file is disposable
 * (DESIGN.md, invariant 5): what is foreign, older or damaged is refused here and rebuilt from the edge by the
 * caller. Nothing is fsynced, because losing the last pages only means to ask for them again; soundness.ts finds
 * the file that a crash of the machine tore apart.
 */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { isSound, markInUse } from './soundness.ts';

/** Raised whenever a table or the wire text in it changes; files of another version are rebuilt. */
export const SCHEMA_VERSION = 3;
/** `PsHm`: tells our files from any other SQLite file that got here. */
const APPLICATION_ID = 0x5073486d;
/** Octets of page cache per open mirror: hot B-tree pages; the system caches the file itself. */
const PAGE_CACHE_KIB = 4096;

/**
 * `email` is narrow so that loading the flags of 100,000 messages reads few pages; what FETCH may want besides
 * lies in `content`, shortest first, and what SEARCH, SORT and THREAD compare in `message_key` (shared/mime/message-keys.ts). `published_uidnext`: uids from there on belong to a round of changes that has
 * not ended yet, and are shown to nobody, so that uids only ever appear in ascending order (RFC 9051 §2.3.1.1). `vanished`: what was
 * expunged when, for clients that come back (RFC 7162 §5.3); of a mailbox it is known since mod-sequence `history`.
 */
const SCHEMA = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE mailbox (
  id INTEGER PRIMARY KEY, parent INTEGER, name TEXT NOT NULL, role TEXT, subscribed INTEGER NOT NULL, uidvalidity INTEGER NOT NULL,
  uidnext INTEGER NOT NULL, highest_modseq INTEGER NOT NULL, published_uidnext INTEGER NOT NULL DEFAULT 1, history INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE keyword_set (id INTEGER PRIMARY KEY, keywords TEXT NOT NULL UNIQUE);
CREATE TABLE email (
  id INTEGER PRIMARY KEY, keyword_set INTEGER NOT NULL, keywords_modseq INTEGER NOT NULL, size INTEGER NOT NULL, sent_at INTEGER,
  thread INTEGER NOT NULL, sha256 TEXT NOT NULL
);
CREATE TABLE content (
  email INTEGER PRIMARY KEY, envelope TEXT NOT NULL, body TEXT NOT NULL, body_structure TEXT NOT NULL, preview TEXT NOT NULL,
  headers_complete TEXT NOT NULL, headers TEXT NOT NULL, structure TEXT NOT NULL
);
CREATE TABLE message_key (
  email INTEGER PRIMARY KEY, sent INTEGER, written INTEGER, reply INTEGER NOT NULL, complete INTEGER NOT NULL, base TEXT NOT NULL, subject TEXT NOT NULL,
  sort_from TEXT NOT NULL, sort_to TEXT NOT NULL, sort_cc TEXT NOT NULL, display_from TEXT NOT NULL, display_to TEXT NOT NULL,
  ids BLOB NOT NULL, from_text TEXT NOT NULL, to_text TEXT NOT NULL, cc_text TEXT NOT NULL, bcc_text TEXT NOT NULL
);
CREATE TABLE placement (
  mailbox INTEGER NOT NULL, uid INTEGER NOT NULL, email INTEGER NOT NULL, received_at INTEGER NOT NULL, saved_at INTEGER NOT NULL,
  deleted INTEGER NOT NULL, modseq INTEGER NOT NULL, PRIMARY KEY (mailbox, uid)
) WITHOUT ROWID;
CREATE INDEX placement_email ON placement (email);
CREATE TABLE vanished (mailbox INTEGER NOT NULL, uid INTEGER NOT NULL, modseq INTEGER NOT NULL, PRIMARY KEY (mailbox, uid)) WITHOUT ROWID;
CREATE INDEX vanished_modseq ON vanished (mailbox, modseq);
`;

/** The file is not one of ours, of another version, or damaged. */
export class UnusableFile extends Error {}

/** Opens or makes the file at `path`. Throws `UnusableFile` for one that has to be thrown away. */
export function openDatabase(path: string): DatabaseSync {
  if (existsSync(path) && !isSound(path)) throw new UnusableFile('not known to be whole');
  const database = new DatabaseSync(path);
  try {
    markInUse(path);
    prepareDatabase(database);
    return database;
  } catch (error) {
    database.close();
    if (error instanceof UnusableFile || isDamage(error)) throw new UnusableFile(error instanceof Error ? error.message : String(error));
    throw error;
  }
}

function prepareDatabase(database: DatabaseSync): void {
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -${PAGE_CACHE_KIB}; PRAGMA temp_store = MEMORY`);
  const tables = numberOf(database, 'SELECT count(*) FROM sqlite_schema');
  if (tables === 0) {
    database.exec(`BEGIN; ${SCHEMA} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
    return;
  }
  if (numberOf(database, 'PRAGMA application_id') !== APPLICATION_ID) throw new UnusableFile('not a mirror');
  const version = numberOf(database, 'PRAGMA user_version');
  if (version !== SCHEMA_VERSION) throw new UnusableFile(`version ${version} instead of ${SCHEMA_VERSION}`);
}

/** SQLite's primary result codes that mean the file, not the statement, is wrong: IOERR, CORRUPT, NOTADB. */
const DAMAGE_CODES = new Set([10, 11, 26]);

/** True for an error that throwing the file away mends. */
export function isDamage(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' && DAMAGE_CODES.has(code & 0xff);
}

function numberOf(database: DatabaseSync, sql: string): number {
  const row = database.prepare(sql).get() ?? {};
  return Number(Object.values(row)[0]);
}
