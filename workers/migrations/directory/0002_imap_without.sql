-- IMAP capabilities switched off for one account, because a client of its owner chokes on them: names separated by spaces.
ALTER TABLE account ADD COLUMN imap_without TEXT NOT NULL DEFAULT '';
