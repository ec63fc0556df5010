SET ROLE mailweave_settings;

-- Who may hand in mail from outside: one token for each router. A token is 256 random bits, so its plain SHA-256 tells
-- nobody what it is.
CREATE TABLE settings.router_token (
    router  text PRIMARY KEY,
    sha256  bytea NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    revoked timestamptz                   -- the row stays, so that the list says what became of it
);
REVOKE SELECT ON settings.router_token FROM mailweave_reader;
GRANT SELECT ON settings.router_token TO mailweave_fetcher;
RESET ROLE;
SET ROLE mailweave_fetcher;

-- What is known of a router; the row named '' stands for any of them, where mailboxes name none.
CREATE TABLE fetcher.router (
    router  text PRIMARY KEY,
    heard   timestamptz,                  -- when it last showed a valid token
    needed  timestamptz,                  -- since when it has mailboxes to read; NULL: it has none
    silent  boolean NOT NULL DEFAULT false  -- whether an alert says so
);

-- Which router has claimed the mailbox last; NULL: none ever has.
ALTER TABLE fetcher.mailbox ADD COLUMN router text;
RESET ROLE;
