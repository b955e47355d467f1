/**
 * Columns of many messages for SEARCH, SORT and THREAD (RFC 5256), straight from the mirror's file: one statement for some hundred
 * messages, joined with no more tables than the columns lie in.
 */
import type { SQLOutputValue } from 'node:sqlite';
import type { ColumnName, ColumnRow } from '../imap/search/columns.ts';
import type { MirrorFile } from './file.ts';

interface Source {
  sql: string;
  table: 'placement' | 'email' | 'message_key';
  /** From what SQLite gives to what the column holds; as it is when absent. */
  read?: (value: SQLOutputValue) => unknown;
}

const key = (column: string, read?: Source['read']): Source => ({ sql: `k.${column}`, table: 'message_key', read });
const SOURCES: Record<ColumnName, Source> = {
  internalDate: { sql: 'p.received_at', table: 'placement' },
  savedDate: { sql: 'p.saved_at', table: 'placement' },
  emailId: { sql: 'p.email', table: 'placement', read: (email) => `M${email}` },
  threadId: { sql: 'e.thread', table: 'email', read: (thread) => `T${thread}` },
  size: { sql: 'e.size', table: 'email' },
  sent: key('sent'),
  written: key('written'),
  reply: key('reply', (reply) => reply === 1),
  headersComplete: key('complete', (complete) => complete === 1),
  base: key('base'),
  hasBase: { sql: "k.base <> ''", table: 'message_key', read: (filled) => filled === 1 },
  subject: key('subject'),
  sortFrom: key('sort_from'),
  sortTo: key('sort_to'),
  sortCc: key('sort_cc'),
  displayFrom: key('display_from'),
  displayTo: key('display_to'),
  from: key('from_text'),
  to: key('to_text'),
  cc: key('cc_text'),
  bcc: key('bcc_text'),
  ids: key('ids', (octets) => (octets instanceof Uint8Array ? numbersIn(octets) : new Float64Array(1))),
};
const JOINS = {
  placement: '',
  email: ' CROSS JOIN email e ON e.id = p.email',
  message_key: ' CROSS JOIN message_key k ON k.email = p.email',
};
/** Where every n-th uid of a span is wanted, reading the span is quicker than looking each one up. */
const DENSE = 4;

/** SQLite hands over octets of their own, which lie where numbers may. */
function numbersIn(octets: Uint8Array): Float64Array {
  const { buffer, byteOffset, length } = octets.byteOffset % 8 === 0 ? octets : octets.slice();
  return new Float64Array(buffer, byteOffset, length >>> 3);
}

/** One row for each of `uids` (ascending), undefined for those that are gone. */
export function readColumns<const Names extends readonly ColumnName[]>(
  file: MirrorFile,
  mailbox: number,
  names: Names,
  uids: ArrayLike<number>,
): (ColumnRow<Names> | undefined)[] {
  const sources = names.map((name) => SOURCES[name]);
  const rows = readRows(file, mailbox, sources, uids);
  const converted = sources.flatMap(({ read }, index) => (read ? [[index, { read }] as const] : []));
  let at = 0;
  return Array.from(uids, (uid) => {
    while (at < rows.length && Number(rows[at]?.[0]) < uid) at++;
    const row = rows[at];
    if (row?.[0] !== uid) return undefined;
    at++;
    // The row is ours: the uid goes, the columns stay.
    row.shift();
    for (const [index, { read }] of converted) row[index] = read(row[index] ?? null) as SQLOutputValue;
    return row as unknown as ColumnRow<Names>;
  });
}

function readRows(file: MirrorFile, mailbox: number, sources: Source[], uids: ArrayLike<number>): SQLOutputValue[][] {
  const [first, last] = [uids[0], uids[uids.length - 1]];
  if (first === undefined || last === undefined) return [];
  const select = `SELECT ${['p.uid', ...sources.map(({ sql }) => sql)].join(', ')} FROM`;
  const joins = [...new Set(sources.map(({ table }) => JOINS[table]))].join('');
  if (last - first < uids.length * DENSE) {
    const sql = `${select} placement p${joins} WHERE p.mailbox = ? AND p.uid BETWEEN ? AND ? ORDER BY p.uid`;
    return file.tuples<SQLOutputValue[]>(sql, mailbox, first, last);
  }
  const sql = `${select} json_each(?) AS wanted CROSS JOIN placement p ON p.mailbox = ? AND p.uid = wanted.value${joins}`;
  return file.tuples<SQLOutputValue[]>(sql, JSON.stringify(Array.from(uids)), mailbox);
}
