SET ROLE mailweave_fetcher;

-- The fencing number goes up at each claim; cursors move only under it.
CREATE TABLE fetcher.mailbox (
    mailbox       text PRIMARY KEY,       -- normalised address
    fence         bigint NOT NULL DEFAULT 0,
    last_check    timestamptz,
    next_check    timestamptz,
    last_error    text,                   -- in plain words, no password
    last_error_code text,
    error_count   integer NOT NULL DEFAULT 0
);

CREATE TABLE fetcher.cursor (
    mailbox     text NOT NULL REFERENCES fetcher.mailbox,
    folder_id   text NOT NULL,            -- stable: MAILBOXID (RFC 8474) where offered, else the name
    folder      text NOT NULL,
    uidvalidity bigint NOT NULL,
    uid         bigint NOT NULL,          -- every UID up to here has a delivery row or was not there
    uidnext     bigint NOT NULL DEFAULT 0,  -- as the server said last
    last_error  text,
    PRIMARY KEY (mailbox, folder_id)
);

CREATE TABLE fetcher.delivery (
    id            uuid PRIMARY KEY,
    source        text NOT NULL CHECK (source IN ('imap', 'import')),
    mailbox       text NOT NULL,
    folder_id     text NOT NULL,
    folder        text NOT NULL,
    uidvalidity   bigint,
    uid           bigint,
    internal_date timestamptz NOT NULL,
    blob_sha256   bytea,                  -- NULL: too large to be stored
    size          bigint NOT NULL,
    fetched       timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX delivery_place ON fetcher.delivery (mailbox, folder_id, uidvalidity, uid) WHERE uid IS NOT NULL;
CREATE INDEX delivery_blob ON fetcher.delivery (blob_sha256);
RESET ROLE;
