SET ROLE mailweave_fetcher;

-- Files and folders of the ingest directory that cannot be taken, each until it is gone or taken: what the alert
-- ingest_stuck of a mailbox is about.
CREATE TABLE fetcher.stuck_file (
    path          bytea PRIMARY KEY,      -- below the ingest directory; a file's name is any bytes
    mailbox       text NOT NULL,
    since         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX stuck_file_mailbox ON fetcher.stuck_file (mailbox);
RESET ROLE;
