SET ROLE mailweave_fetcher;

-- Mail that servers push has no place on a server: its id is that of its content (services/domain/identity.py).
ALTER TABLE fetcher.delivery DROP CONSTRAINT delivery_source_check;
ALTER TABLE fetcher.delivery ADD CONSTRAINT delivery_source_check
    CHECK (source IN ('imap', 'pop3', 'import', 'lmtp', 'smtp', 'ingest'));
RESET ROLE;
