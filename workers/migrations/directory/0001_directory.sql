-- Who is who: domains, accounts, addresses, credentials, tokens, receivers, login exchanges, the relay.
-- Times are epoch milliseconds. Addresses and domains are in the directory's form (shared/address.ts).

-- Rows of removed accounts stay as tombstones, so that an id never names two people's mail.
CREATE TABLE account (
  id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 1048575),
  shard INTEGER NOT NULL DEFAULT 0,
  address TEXT NOT NULL,
  name TEXT NOT NULL DEFAULT '',
  quota INTEGER,
  -- Shared by all credentials of the account (DESIGN.md, invariant 7). Base64.
  salt TEXT NOT NULL,
  iterations INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  removed_at INTEGER
);

CREATE TABLE domain (
  name TEXT PRIMARY KEY,
  -- Null until the first account or alias of the domain is made.
  postmaster INTEGER REFERENCES account (id),
  mta_sts_mode TEXT NOT NULL DEFAULT 'testing' CHECK (mta_sts_mode IN ('none', 'testing', 'enforce')),
  mta_sts_max_age INTEGER NOT NULL DEFAULT 86400,
  created_at INTEGER NOT NULL,
  -- Kept, so that mail already answered with 250 still finds its postmaster.
  removed_at INTEGER
) WITHOUT ROWID;

-- `local@domain`, or `@domain` for a catch-all. A blocked address is refused although the catch-all would take it.
CREATE TABLE address (
  address TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('primary', 'alias', 'catchall', 'blocked')),
  account INTEGER REFERENCES account (id),
  domain TEXT NOT NULL REFERENCES domain (name),
  created_at INTEGER NOT NULL,
  CHECK ((kind = 'blocked') = (account IS NULL))
) WITHOUT ROWID;
CREATE INDEX address_account ON address (account);
CREATE INDEX address_domain ON address (domain);

CREATE TABLE credential (
  id INTEGER PRIMARY KEY,
  account INTEGER NOT NULL REFERENCES account (id),
  kind TEXT NOT NULL CHECK (kind IN ('password', 'app')),
  label TEXT NOT NULL DEFAULT '',
  -- RFC 5802 §3, base64.
  stored_key TEXT NOT NULL,
  server_key TEXT NOT NULL,
  -- SHA-256 of an app password, hex, for HTTP Basic; people's own passwords have none.
  secret_sha256 TEXT UNIQUE,
  created_at INTEGER NOT NULL,
  last_used_at INTEGER,
  CHECK ((kind = 'app') = (secret_sha256 IS NOT NULL))
);
CREATE INDEX credential_account ON credential (account);

-- The token itself is never kept.
CREATE TABLE token (
  sha256 TEXT PRIMARY KEY,
  account INTEGER NOT NULL REFERENCES account (id),
  credential INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('bridge', 'web', 'api')),
  receiver INTEGER,
  scope TEXT NOT NULL CHECK (scope IN ('full', 'submit')),
  expires_at INTEGER NOT NULL,
  -- Ends it early when nobody used it until then; moves on with use.
  unused_after INTEGER,
  CHECK ((kind = 'bridge') = (receiver IS NOT NULL))
) WITHOUT ROWID;
CREATE INDEX token_account ON token (account);
CREATE INDEX token_expiry ON token (expires_at);

CREATE TABLE receiver (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  hostname TEXT,
  -- 32 octets, hex. HMAC needs the key itself at both ends.
  key TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
);
CREATE UNIQUE INDEX receiver_name ON receiver (name) WHERE revoked_at IS NULL;

-- A SCRAM exchange between its two steps. `account` 0: a name nobody has.
CREATE TABLE exchange (
  id TEXT PRIMARY KEY,
  caller TEXT NOT NULL,
  account INTEGER NOT NULL,
  client_first_bare TEXT NOT NULL,
  server_first TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX exchange_expiry ON exchange (expires_at);

CREATE TABLE relay (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  kind TEXT NOT NULL CHECK (kind IN ('file', 'resend')),
  api_url TEXT,
  api_key TEXT,
  updated_at INTEGER NOT NULL
);
