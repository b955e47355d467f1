-- Annotations of mailboxes and of the server, for IMAP (RFC 5464). `mailbox` is its key; account * 2^32 is the server's.
-- Values are base64, because they may hold any octet. The account remembers when any of them changed last.
CREATE TABLE metadata (
  mailbox INTEGER NOT NULL,
  entry TEXT NOT NULL,                  -- in lower case
  value TEXT NOT NULL,
  PRIMARY KEY (mailbox, entry)
) WITHOUT ROWID;
ALTER TABLE account ADD COLUMN metadataModseq INTEGER NOT NULL DEFAULT 0;
