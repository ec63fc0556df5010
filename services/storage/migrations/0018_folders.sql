SET ROLE mailweave_fetcher;

-- Codes of the alerts that are open because folders could not be read.
ALTER TABLE fetcher.mailbox_state ADD COLUMN left_out text[] NOT NULL DEFAULT '{}';
RESET ROLE;
