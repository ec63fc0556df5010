SET ROLE mailweave_fetcher;

-- Codes of the alerts that are open because folders could not be read.
ALTER TABLE fetcher.mailbox_state ADD COLUMN left_out text[] NOT NULL DEFAULT '{}';

-- UIDs below "renumbered" may be mail that is known under other numbers, or from the folder "former_id" before a rename.
ALTER TABLE fetcher.cursor ADD COLUMN renumbered bigint NOT NULL DEFAULT 0;
ALTER TABLE fetcher.cursor ADD COLUMN former_id text;
RESET ROLE;
