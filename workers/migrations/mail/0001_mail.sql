-- Mail of the accounts on this shard (docs/decisions/0002-index-keys.md). Keys of emails, mailboxes, identities
-- and submissions embed the account: key = account * 2^32 + id, so that a foreign id cannot match and an
-- account's rows are one range. Every index entry is a counted row: none is here without a query that needs it.

CREATE TABLE account (
  id INTEGER PRIMARY KEY,
  quota INTEGER,
  -- NOT NULL is the guard: a change writes NULL when the clock is not where it was read, and its batch is undone.
  modseq INTEGER NOT NULL,
  -- Changes up to here are forgotten; the candidate for the next horizon and when it was taken.
  horizon INTEGER NOT NULL DEFAULT 0,
  nextHorizon INTEGER NOT NULL,
  nextHorizonAt INTEGER NOT NULL,
  nextEmail INTEGER NOT NULL DEFAULT 1,
  nextMailbox INTEGER NOT NULL DEFAULT 1,
  nextIdentity INTEGER NOT NULL DEFAULT 1,
  nextSubmission INTEGER NOT NULL DEFAULT 1,
  uidvalidity INTEGER NOT NULL DEFAULT 0,
  octets INTEGER NOT NULL DEFAULT 0,
  messages INTEGER NOT NULL DEFAULT 0,
  mailboxModseq INTEGER NOT NULL DEFAULT 0,
  emailModseq INTEGER NOT NULL DEFAULT 0,
  threadModseq INTEGER NOT NULL DEFAULT 0,
  deliveryModseq INTEGER NOT NULL DEFAULT 0,
  identityModseq INTEGER NOT NULL DEFAULT 0,
  submissionModseq INTEGER NOT NULL DEFAULT 0,
  vacationModseq INTEGER NOT NULL DEFAULT 0,
  pushModseq INTEGER NOT NULL DEFAULT 0,
  quotaModseq INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE mailbox (
  key INTEGER PRIMARY KEY,
  parent INTEGER,
  name TEXT NOT NULL,
  role TEXT,
  sortOrder INTEGER NOT NULL,
  subscribed INTEGER NOT NULL,
  uidvalidity INTEGER NOT NULL,
  uidnext INTEGER NOT NULL,
  highestModseq INTEGER NOT NULL,
  propertiesModseq INTEGER NOT NULL,
  modseq INTEGER NOT NULL,
  createdModseq INTEGER NOT NULL,
  destroyedModseq INTEGER,
  messages INTEGER NOT NULL,
  unseen INTEGER NOT NULL,
  emails INTEGER NOT NULL,
  unread INTEGER NOT NULL,
  threads INTEGER NOT NULL,
  unreadThreads INTEGER NOT NULL
);

-- Small, often changed columns first: SQLite reads a row only as far as it must.
CREATE TABLE email (
  key INTEGER PRIMARY KEY,
  account INTEGER NOT NULL,
  thread INTEGER NOT NULL,              -- key of the email that began it
  modseq INTEGER NOT NULL,
  gone INTEGER NOT NULL DEFAULT 0,      -- the last placement is gone: a tombstone until the horizon
  live INTEGER NOT NULL DEFAULT 1,      -- JMAP sees it: a placement without \Deleted exists
  bornModseq INTEGER NOT NULL,          -- first stored
  createdModseq INTEGER NOT NULL,       -- last became visible to JMAP
  destroyedModseq INTEGER,              -- last became invisible to JMAP; null while it is visible
  keywordsModseq INTEGER NOT NULL,
  receivedAt INTEGER NOT NULL,
  sentAt INTEGER,
  size INTEGER NOT NULL,
  hasAttachment INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  keywords TEXT NOT NULL,               -- JSON array, sorted
  mailboxes TEXT NOT NULL,              -- JSON array: live JMAP memberships, sorted
  placements TEXT NOT NULL,             -- JSON: [mailbox, uid, savedAt, deleted, modseq, expungedModseq?] each
  sortFrom TEXT NOT NULL,
  sortTo TEXT NOT NULL,
  sortSubject TEXT NOT NULL,
  source TEXT,                          -- spool id @ receiver
  verdicts TEXT,
  headersComplete INTEGER NOT NULL,
  subject TEXT NOT NULL,
  preview TEXT NOT NULL,
  headers TEXT NOT NULL,
  structure TEXT NOT NULL
);
CREATE INDEX email_modseq ON email (account, modseq);
CREATE INDEX email_thread ON email (thread, gone);
CREATE INDEX email_received ON email (account, receivedAt) WHERE live = 1;
CREATE INDEX email_sha256 ON email (account, sha256) WHERE gone = 0;
CREATE INDEX email_gone ON email (account, modseq) WHERE gone = 1;

-- What is in a mailbox now. Its history lies in email.placements. `listed`: the one placement by which JMAP
-- lists the email in this mailbox (the lowest uid without \Deleted).
CREATE TABLE placement (
  mailbox INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  email INTEGER NOT NULL,
  thread INTEGER NOT NULL,
  receivedAt INTEGER NOT NULL,
  unseen INTEGER NOT NULL,
  listed INTEGER NOT NULL,
  PRIMARY KEY (mailbox, uid)
) WITHOUT ROWID;
CREATE INDEX placement_received ON placement (mailbox, receivedAt, email, thread) WHERE listed = 1;
CREATE INDEX placement_unseen ON placement (mailbox, receivedAt, email, thread) WHERE listed = 1 AND unseen = 1;

CREATE TABLE reference (
  account INTEGER NOT NULL,
  hash INTEGER NOT NULL,
  thread INTEGER NOT NULL,
  PRIMARY KEY (account, hash)
) WITHOUT ROWID;

-- Spool ids begin with their time, so the sweep of what is older than 30 days deletes a range.
CREATE TABLE receipt (
  spool TEXT NOT NULL,
  account INTEGER NOT NULL,
  email INTEGER NOT NULL,
  PRIMARY KEY (spool, account)
) WITHOUT ROWID;

CREATE TABLE committed (
  day INTEGER NOT NULL,
  account INTEGER NOT NULL,
  id TEXT NOT NULL,
  results TEXT NOT NULL,
  PRIMARY KEY (day, account, id)
) WITHOUT ROWID;

-- Messages put into Sent in the last minutes, by us (`ours`) or by a client's APPEND.
CREATE TABLE sent_copy (
  account INTEGER NOT NULL,
  hash INTEGER NOT NULL,
  email INTEGER NOT NULL,
  ours INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (account, hash)
) WITHOUT ROWID;

CREATE TABLE identity (
  key INTEGER PRIMARY KEY,
  modseq INTEGER NOT NULL,
  createdModseq INTEGER NOT NULL,
  destroyedModseq INTEGER,
  content TEXT NOT NULL
);

CREATE TABLE submission (
  key INTEGER PRIMARY KEY,
  account INTEGER NOT NULL,
  idempotency TEXT NOT NULL,
  modseq INTEGER NOT NULL,
  createdModseq INTEGER NOT NULL,
  dueAt INTEGER,
  attempts INTEGER NOT NULL,
  undoStatus TEXT NOT NULL,
  sendAt INTEGER NOT NULL,
  identity INTEGER NOT NULL,
  email INTEGER,
  thread INTEGER,
  sha256 TEXT NOT NULL,
  mailFrom TEXT NOT NULL,
  rcptTo TEXT NOT NULL,
  deliveryStatus TEXT NOT NULL
);
CREATE UNIQUE INDEX submission_idempotency ON submission (account, idempotency);
CREATE INDEX submission_due ON submission (dueAt) WHERE dueAt IS NOT NULL;
CREATE INDEX submission_sha256 ON submission (account, sha256);

-- Originals that no row points to, `<account>/<sha256>`. `deleting`: the object is being deleted; pointing to it fails.
CREATE TABLE condemned (
  account INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  at INTEGER NOT NULL,
  deleting INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (account, sha256)
) WITHOUT ROWID;

-- A row that fails this check undoes the batch that wrote it.
CREATE TABLE guard (broken TEXT NOT NULL CHECK (broken = ''));

CREATE VIRTUAL TABLE email_text USING fts5 (
  account, "from", "to", cc, bcc, subject, body, attachments,
  content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);
