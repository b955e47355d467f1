/**
 * Where mail for an address goes (RFC 5321 §3.6, sub-addresses per RFC 5233): the exact address, the one
 * before its `+detail`, the domain's postmaster (RFC 5321 §4.5.1: always there), the domain's catch-all.
 */
import { formatAddress, normaliseDomain, parseAddress, withoutDetail } from '../../../shared/address.ts';
import type { Env } from '../../env.ts';
import type { Account } from '../mail/types.ts';
import { ACCOUNT_COLUMNS, type AccountColumns, accountOf } from './rows.ts';
import type { Recipient } from './types.ts';

interface Target {
  domain: string;
  /** Directory entries that could take it, the first one that exists decides. */
  candidates: string[];
  isPostmaster: boolean;
}

interface Entry extends AccountColumns {
  key: string;
  kind: 'primary' | 'alias' | 'catchall' | 'blocked' | 'domain';
}

/** Everything the directory knows about the names asked for, by name (`local@domain`, `@domain`, `domain`). */
type Entries = Map<string, Entry>;

/** One query however many addresses. */
export async function resolveRecipients(env: Env, addresses: string[]): Promise<Map<string, Recipient>> {
  const targets = new Map([...new Set(addresses)].map((address) => [address, targetOf(address)] as const));
  const known = [...targets.values()].filter((target) => target !== null);
  const entries = known.length === 0 ? new Map() : await readEntries(env, known);
  return new Map([...targets].map(([address, target]) => [address, decide(target, entries)]));
}

/** Null when the text has no domain that could be ours. */
function targetOf(text: string): Target | null {
  const address = parseAddress(text);
  if (!address) {
    // A local part nobody can have, at what may be our domain: unknown there, not foreign.
    const domain = normaliseDomain(text.slice(text.lastIndexOf('@') + 1));
    return domain === null || !text.includes('@') ? null : { domain, candidates: [], isPostmaster: false };
  }
  const base = withoutDetail(address);
  return {
    domain: address.domain,
    candidates: [formatAddress(address), formatAddress(base), `@${address.domain}`],
    isPostmaster: base.local === 'postmaster',
  };
}

async function readEntries(env: Env, targets: Target[]): Promise<Entries> {
  const rows = await env.DIRECTORY.prepare(
    `SELECT a.address AS key, a.kind AS kind, ${ACCOUNT_COLUMNS}
       FROM address a LEFT JOIN account ac ON ac.id = a.account AND ac.removed_at IS NULL
      WHERE a.address IN (SELECT value FROM json_each(?1))
     UNION ALL
     SELECT d.name, 'domain', ${ACCOUNT_COLUMNS}
       FROM domain d LEFT JOIN account ac ON ac.id = d.postmaster AND ac.removed_at IS NULL
      WHERE d.name IN (SELECT value FROM json_each(?2)) AND d.removed_at IS NULL`,
  )
    .bind(
      JSON.stringify([...new Set(targets.flatMap((target) => target.candidates))]),
      JSON.stringify([...new Set(targets.map((target) => target.domain))]),
    )
    .all<Entry>();
  return new Map(rows.results.map((row) => [row.key, row]));
}

function decide(target: Target | null, entries: Entries): Recipient {
  const domain = target && entries.get(target.domain);
  if (!domain) return { status: 'foreign' };
  const [exact, base, catchAll] = target.candidates.map((key) => entries.get(key));
  const entry = exact ?? base ?? (target.isPostmaster ? domain : catchAll);
  const account = accountOf(entry ?? null);
  return account ? { status: 'deliverable', account } : { status: 'unknown' };
}

/**
 * Who gets mail whose address vanished after it was answered with 250: the domain's postmaster, else the
 * first account there is. Null for no domain of ours, present or past.
 */
export async function findPostmaster(env: Env, address: string): Promise<Account | null> {
  const domain = normaliseDomain(address.slice(address.lastIndexOf('@') + 1));
  if (domain === null) return null;
  const row = await env.DIRECTORY.prepare(
    `SELECT ${ACCOUNT_COLUMNS} FROM domain d
       JOIN account ac ON ac.id = COALESCE(
         (SELECT id FROM account WHERE id = d.postmaster AND removed_at IS NULL),
         (SELECT MIN(id) FROM account WHERE removed_at IS NULL))
      WHERE d.name = ?`,
  )
    .bind(domain)
    .first<AccountColumns>();
  return accountOf(row);
}
