/**
 * Accounts: made in MAIL first and here last, removed here first and there last, so that no address ever
 * points to an account without mailboxes (DESIGN.md, "The edge"). Ids are never used twice.
 */
import type { Env } from '../../env.ts';
import { createMailAccount, setQuota } from '../mail/index.ts';
import type { Account } from '../mail/types.ts';
import type { CredentialKeys } from './credentials.ts';
import { ACCOUNT_COLUMNS, type AccountColumns, accountOf, isUniqueViolation } from './rows.ts';

/** New accounts go here until there are more MAIL databases. */
const FIRST_SHARD = 0;

/** An account as administration sees it. */
export interface AccountListing extends Account {
  salt: string;
  iterations: number;
  createdAt: number;
}

export interface NewAccount {
  /** In the directory's form, in a domain of ours. */
  address: string;
  domain: string;
  name: string;
  quota: number | null;
  salt: string;
  iterations: number;
  password: CredentialKeys;
}

type ListingRow = AccountColumns & { salt: string; iterations: number; createdAt: number };
const LISTING = `SELECT ${ACCOUNT_COLUMNS}, ac.salt, ac.iterations, ac.created_at AS createdAt FROM account ac`;

/** Null when there is none, or it was removed. */
export async function findAccount(env: Env, id: number): Promise<Account | null> {
  return accountOf(
    await env.DIRECTORY.prepare(`SELECT ${ACCOUNT_COLUMNS} FROM account ac WHERE ac.id = ? AND ac.removed_at IS NULL`)
      .bind(id)
      .first<AccountColumns>(),
  );
}

/** The account with this address or alias (in the directory's form). */
export async function findAccountListing(env: Env, address: string): Promise<AccountListing | null> {
  const row = await env.DIRECTORY.prepare(
    `${LISTING} JOIN address a ON a.account = ac.id WHERE a.address = ? AND a.kind IN ('primary', 'alias') AND ac.removed_at IS NULL`,
  )
    .bind(address)
    .first<ListingRow>();
  return row && listingOf(row);
}

/** At most `limit` accounts with ids above `after`, by id. */
export async function listAccounts(env: Env, after: number, limit: number): Promise<AccountListing[]> {
  const rows = await env.DIRECTORY.prepare(`${LISTING} WHERE ac.id > ? AND ac.removed_at IS NULL ORDER BY ac.id LIMIT ?`)
    .bind(after, limit)
    .all<ListingRow>();
  return rows.results.flatMap((row) => listingOf(row) ?? []);
}

/** Addresses and aliases, the first address first, then by name. */
export async function listAddresses(env: Env, account: number): Promise<string[]> {
  const rows = await env.DIRECTORY.prepare(
    "SELECT address FROM address WHERE account = ? AND kind IN ('primary', 'alias') ORDER BY kind = 'primary' DESC, address",
  )
    .bind(account)
    .all<{ address: string }>();
  return rows.results.map((row) => row.address);
}

/**
 * Makes an account with its mailboxes; it becomes its domain's postmaster when there is none. `taken`: the address is.
 * Two made at once may draw one id: the loser of the row draws again, and its mailboxes are the winner's.
 */
export async function addAccount(env: Env, account: NewAccount, now: number): Promise<{ id: number } | 'taken'> {
  for (;;) {
    const next = await env.DIRECTORY.prepare(
      'SELECT (SELECT COALESCE(MAX(id), 0) + 1 FROM account) AS id, EXISTS (SELECT 1 FROM address WHERE address = ?) AS taken',
    )
      .bind(account.address)
      .first<{ id: number; taken: number }>();
    if (!next || next.taken) return 'taken';
    await createMailAccount(env, FIRST_SHARD, next.id, account.quota);
    try {
      await env.DIRECTORY.batch(accountRows(env, next.id, account, now));
      return { id: next.id };
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
    }
  }
}

function accountRows(env: Env, id: number, account: NewAccount, now: number): D1PreparedStatement[] {
  const { address, domain, name, quota, salt, iterations, password } = account;
  return [
    env.DIRECTORY.prepare(
      'INSERT INTO account (id, shard, address, name, quota, salt, iterations, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    ).bind(id, FIRST_SHARD, address, name, quota, salt, iterations, now),
    env.DIRECTORY.prepare("INSERT INTO address (address, kind, account, domain, created_at) VALUES (?, 'primary', ?, ?, ?)").bind(
      address,
      id,
      domain,
      now,
    ),
    env.DIRECTORY.prepare(
      "INSERT INTO credential (account, kind, stored_key, server_key, created_at) VALUES (?, 'password', ?, ?, ?)",
    ).bind(id, password.storedKey, password.serverKey, now),
    env.DIRECTORY.prepare('UPDATE domain SET postmaster = ? WHERE name = ? AND postmaster IS NULL').bind(id, domain),
  ];
}

/** Display name and quota, both as given; the quota also where mail is counted. */
export async function changeAccount(
  env: Env,
  { id, shard, quota }: Account,
  change: { name: string; quota: number | null },
): Promise<void> {
  if (change.quota !== quota) await setQuota(env, shard, id, change.quota);
  await env.DIRECTORY.prepare('UPDATE account SET name = ?, quota = ? WHERE id = ?').bind(change.name, change.quota, id).run();
}

/** Switches IMAP capabilities off for an account, and all others on. `names`: upper case. */
export async function setImapWithout(env: Env, id: number, names: readonly string[]): Promise<void> {
  await env.DIRECTORY.prepare('UPDATE account SET imap_without = ? WHERE id = ?').bind(names.join(' '), id).run();
}

/** Nobody can log in or write to it from now on. `postmaster`: a domain's postmaster cannot go. */
export async function removeAccount(env: Env, id: number, now: number): Promise<{ removed: true } | { postmasterOf: string }> {
  const domain = await env.DIRECTORY.prepare('SELECT name FROM domain WHERE postmaster = ? AND removed_at IS NULL LIMIT 1')
    .bind(id)
    .first<{ name: string }>();
  if (domain) return { postmasterOf: domain.name };
  await env.DIRECTORY.batch([
    env.DIRECTORY.prepare('UPDATE account SET removed_at = ? WHERE id = ?').bind(now, id),
    ...['address', 'credential', 'token'].map((table) => env.DIRECTORY.prepare(`DELETE FROM ${table} WHERE account = ?`).bind(id)),
  ]);
  return { removed: true };
}

function listingOf(row: ListingRow): AccountListing | null {
  const account = accountOf(row);
  return account && { ...account, salt: row.salt, iterations: row.iterations, createdAt: row.createdAt };
}
