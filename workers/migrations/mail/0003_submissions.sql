-- Submissions that are held, listed, destroyed and reported on (RFC 8621 §7), vacation replies (§8), and since when an
-- account's quota is what it is (RFC 9425).

ALTER TABLE submission ADD COLUMN destroyedModseq INTEGER; -- JMAP does not see it (any more); its delivery goes on
ALTER TABLE submission ADD COLUMN parameters TEXT;         -- of MAIL FROM, a JSON object; null: none
ALTER TABLE submission ADD COLUMN messageHash INTEGER;     -- of its Message-ID, by which DSNs and MDNs name it

CREATE INDEX submission_modseq ON submission (account, modseq);
CREATE INDEX submission_message ON submission (account, messageHash) WHERE messageHash IS NOT NULL;
CREATE INDEX submission_gone ON submission (account, destroyedModseq) WHERE destroyedModseq IS NOT NULL;
-- EmailSubmission/query: one index for each sort and each filter. Ids sort as the texts that clients see.
CREATE INDEX submission_sent ON submission (account, sendAt) WHERE destroyedModseq IS NULL;
CREATE INDEX submission_email ON submission (account, CAST(ifnull(email, 0) AS TEXT)) WHERE destroyedModseq IS NULL;
CREATE INDEX submission_thread ON submission (account, CAST(ifnull(thread, 0) AS TEXT)) WHERE destroyedModseq IS NULL;
CREATE INDEX submission_identity ON submission (account, identity, sendAt) WHERE destroyedModseq IS NULL;
CREATE INDEX submission_open ON submission (account, sendAt) WHERE undoStatus <> 'final' AND destroyedModseq IS NULL;

-- DSNs and MDNs that came for a submission; `submission` is its key, the original is `<account>/<sha256>`.
CREATE TABLE submission_report (
  submission INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  kind TEXT NOT NULL,
  at INTEGER NOT NULL,
  account INTEGER NOT NULL,
  PRIMARY KEY (submission, sha256)
) WITHOUT ROWID;
CREATE INDEX submission_report_sha256 ON submission_report (account, sha256);

-- `revision` rises with every change: another text is another reply (RFC 5230 §4.2).
CREATE TABLE vacation (
  account INTEGER PRIMARY KEY,
  revision INTEGER NOT NULL,
  isEnabled INTEGER NOT NULL,
  fromDate INTEGER,
  toDate INTEGER,
  subject TEXT,
  textBody TEXT,
  htmlBody TEXT
);
-- Who was answered in the last days, with which revision, and because of which message.
CREATE TABLE vacation_reply (
  account INTEGER NOT NULL,
  sender TEXT NOT NULL,
  at INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  cause TEXT NOT NULL,
  PRIMARY KEY (account, sender)
) WITHOUT ROWID;
CREATE INDEX vacation_reply_at ON vacation_reply (at);

-- Delivery reads the account's row anyway: it tells whether there is a vacation reply to think of.
ALTER TABLE account ADD COLUMN vacation INTEGER NOT NULL DEFAULT 0;
-- When the quota was last set, and when there last came to be one.
ALTER TABLE account ADD COLUMN quotaSetModseq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN quotaBornModseq INTEGER NOT NULL DEFAULT 0;
