/**
 * Annotations of mailboxes and of the server (RFC 5464): read with the feed when any of them changed, and all of them,
 * because they are few (shared/metadata.ts); written by the operation `setMetadata`.
 */
import type { BridgeMetadata } from '../../../shared/protocol.ts';
import { eachChunk, rowsOf } from './database.ts';
import { idOf, keyOf, keyRange } from './keys.ts';
import type { Change } from './ledger.ts';

/** Length of one that is there: name and value in octets, by `mailbox entry`. */
export type MetadataSizes = Map<string, number>;

interface MetadataRow {
  mailbox: number;
  entry: string;
  value: string;
}

/** Every annotation of the account, when one changed after `since`; no rows otherwise. */
export function readMetadata(db: D1Database, account: number, since: number): D1PreparedStatement {
  const sql = `SELECT mailbox, entry, value FROM metadata WHERE mailbox BETWEEN ?1 AND ?2
    AND (SELECT metadataModseq FROM account WHERE id = ?3) > ?4`;
  return db.prepare(sql).bind(...keyRange(account), account, since);
}

/** As the bridge tells them. */
export function bridgeMetadata(result: D1Result | undefined): BridgeMetadata[] {
  return rowsOf<MetadataRow>(result).map(({ mailbox, entry, value }) => ({ mailbox: idOf(mailbox), entry, value: atob(value) }));
}

/** What a change that sets some has to know of the others. */
export function readMetadataSizes(db: D1Database, account: number): D1PreparedStatement {
  const sql = 'SELECT mailbox, entry, length(value) AS length FROM metadata WHERE mailbox BETWEEN ?1 AND ?2';
  return db.prepare(sql).bind(...keyRange(account));
}

export function metadataSizesOf(result: D1Result | undefined): MetadataSizes {
  const rows = rowsOf<{ mailbox: number; entry: string; length: number }>(result);
  return new Map(rows.map(({ mailbox, entry, length }) => [`${idOf(mailbox)} ${entry}`, entry.length + Math.ceil((length * 3) / 4)]));
}

const PUT = `INSERT INTO metadata (mailbox, entry, value) SELECT value->>0, value->>1, value->>2 FROM json_each(?1) WHERE true
  ON CONFLICT (mailbox, entry) DO UPDATE SET value = excluded.value`;
const DELETE = 'DELETE FROM metadata WHERE (mailbox, entry) IN (SELECT value->>0, value->>1 FROM json_each(?1))';
const DELETE_MAILBOXES = 'DELETE FROM metadata WHERE mailbox IN (SELECT value FROM json_each(?1))';

/** The statements that write what changes set, and take away what belonged to mailboxes that are gone. */
export function metadataStatements(db: D1Database, changes: readonly Change[]): D1PreparedStatement[] {
  const rows = changes.flatMap(({ account, metadata }) =>
    metadata.map(({ mailbox, entry, value }) => ({ key: metadataKey(account.id, mailbox), entry, value })),
  );
  const puts = rows.flatMap(({ key, entry, value }) => (value === null ? [] : [[key, entry, btoa(value)]]));
  const deletes = rows.flatMap(({ key, entry, value }) => (value === null ? [[key, entry]] : []));
  const destroyed = changes.flatMap(({ account, mailboxes }) =>
    mailboxes.flatMap(({ id, destroyedModseq }) => (destroyedModseq === null ? [] : [keyOf(account.id, id)])),
  );
  return [...eachChunk(db, PUT, puts), ...eachChunk(db, DELETE, deletes), ...eachChunk(db, DELETE_MAILBOXES, destroyed)];
}

function metadataKey(account: number, mailbox: number): number {
  return mailbox === 0 ? keyRange(account)[0] : keyOf(account, mailbox);
}
