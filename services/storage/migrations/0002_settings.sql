SET ROLE mailweave_settings;

-- The origin of all settings; the topic is published from the outbox. A version is given under a lock held to commit,
-- so versions have the order of their commits.
CREATE TABLE settings.history (
    version bigint PRIMARY KEY,
    key     text NOT NULL,
    value   jsonb,                       -- NULL: the object was removed
    author  text NOT NULL,
    reason  text NOT NULL,
    time    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX history_key ON settings.history (key, version DESC);

CREATE TABLE settings.outbox (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic     text NOT NULL,
    key       bytea NOT NULL,
    value     bytea,
    headers   jsonb NOT NULL DEFAULT '{}',
    created   timestamptz NOT NULL DEFAULT now()
);

-- Mail credentials, AES-256-GCM under the installation's key; named by reference from the settings.
CREATE TABLE settings.credential (
    name       text PRIMARY KEY,
    nonce      bytea NOT NULL,
    ciphertext bytea NOT NULL,
    changed    timestamptz NOT NULL DEFAULT now()
);
GRANT USAGE ON SCHEMA settings TO mailweave_fetcher, mailweave_sender;
GRANT SELECT ON settings.credential TO mailweave_fetcher, mailweave_sender;
REVOKE SELECT ON settings.credential FROM mailweave_reader;

-- Tells a wrong key from the right one before anything is hashed with it.
CREATE TABLE settings.key_check (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    digest   bytea NOT NULL
);
RESET ROLE;
