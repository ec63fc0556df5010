SET ROLE mailweave_fetcher;

-- When the outgoing server of a mailbox is asked next; null: not by itself. Incoming: in fetcher.mailbox, with the lease.
ALTER TABLE fetcher.mailbox_state ADD COLUMN next_try timestamptz;
CREATE INDEX mailbox_state_next_try ON fetcher.mailbox_state (next_try) WHERE next_try IS NOT NULL;

-- Server profiles of which it was said that most of their mailboxes fail.
CREATE TABLE fetcher.failing_profile (profile text PRIMARY KEY, since timestamptz NOT NULL);
RESET ROLE;
