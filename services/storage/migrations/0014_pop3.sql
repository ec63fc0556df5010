SET ROLE mailweave_fetcher;

ALTER TABLE fetcher.delivery DROP CONSTRAINT delivery_source_check;
ALTER TABLE fetcher.delivery ADD CONSTRAINT delivery_source_check CHECK (source IN ('imap', 'pop3', 'import'));
RESET ROLE;
