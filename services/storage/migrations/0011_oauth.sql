SET ROLE mailweave_settings;

-- A credential is a password, or what gets OAuth access tokens. The token columns hold the access token and the refresh
-- token that counts now, sealed together: some providers give a new refresh token with each access token.
ALTER TABLE settings.credential
    ADD COLUMN kind text NOT NULL DEFAULT 'password' CHECK (kind IN ('password', 'oauth')),
    ADD COLUMN token_nonce      bytea,
    ADD COLUMN token_ciphertext bytea,
    ADD COLUMN token_expires    timestamptz;

-- Those who log in write these columns alone; the right to update also gives them the row lock.
GRANT UPDATE (token_nonce, token_ciphertext, token_expires) ON settings.credential
    TO mailweave_fetcher, mailweave_sender;
RESET ROLE;
