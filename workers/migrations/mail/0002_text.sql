-- The full text anew, in the order of time (docs/decisions/0018-search-by-date.md). A row's id holds account, hour of arrival and
-- email, so hits come newest first, page by page; every token carries its account. The mill of shared/search.ts has made
-- the tokens: `ascii` only splits at spaces. A contentless table cannot be copied: mail indexed before is not found by words until it is imported again.
DROP TABLE email_text;

CREATE VIRTUAL TABLE email_text USING fts5 (
  "from", "to", cc, bcc, subject, body, attachments,
  content = '', contentless_delete = 1, tokenize = "ascii tokenchars '_'"
);

-- The words of the index in their order: those that begin with what was typed are the first after it.
CREATE VIRTUAL TABLE email_word USING fts5vocab (email_text, instance);
