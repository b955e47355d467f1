-- Push subscriptions (RFC 8620 §7.2). Deleted, not marked: URL and keys must not outlive a subscription.
CREATE TABLE push_subscription (
  key INTEGER PRIMARY KEY,
  login TEXT NOT NULL,                  -- whose it is: a credential or a session of the account
  deviceClientId TEXT NOT NULL,
  url TEXT NOT NULL,
  p256dh TEXT,
  auth TEXT,
  code TEXT NOT NULL,
  verified INTEGER NOT NULL DEFAULT 0,
  wrongCodes INTEGER NOT NULL DEFAULT 0,
  expires INTEGER,                      -- what the client is told
  ends INTEGER NOT NULL,                -- when it goes: then, or with its session
  types TEXT,                           -- JSON array; null for all
  serverKey TEXT NOT NULL               -- the VAPID key it was made for (RFC 9749 §5)
);
