SET ROLE mailweave_fetcher;

-- Codes of the alerts that are open because folders could not be read.
ALTER TABLE fetcher.mailbox_state ADD COLUMN left_out text[] NOT NULL DEFAULT '{}';

-- UIDs below "renumbered" may be mail that is known under other numbers, or from the folder "former_id" before a rename.
ALTER TABLE fetcher.cursor ADD COLUMN renumbered bigint NOT NULL DEFAULT 0;
ALTER TABLE fetcher.cursor ADD COLUMN former_id text;

-- What made a delivery tracked whatever filters say: a folder rule, the keyword, or nothing.
ALTER TABLE fetcher.delivery ADD COLUMN tracked_by text NOT NULL DEFAULT '';

-- Up to which HIGHESTMODSEQ each folder was looked at for mail that people have flagged.
CREATE TABLE fetcher.flagged (
    mailbox     text NOT NULL REFERENCES fetcher.mailbox,
    folder_id   text NOT NULL,
    uidvalidity bigint NOT NULL,
    modseq      bigint NOT NULL,
    PRIMARY KEY (mailbox, folder_id)
);

-- By which MAILBOXID a folder is known that the settings name.
CREATE TABLE fetcher.known_folder (
    mailbox    text NOT NULL REFERENCES fetcher.mailbox,
    asked      text NOT NULL,              -- a name, or a rule and a name
    mailbox_id text NOT NULL,
    PRIMARY KEY (mailbox, asked)
);
RESET ROLE;

SET ROLE mailweave_resolver;
ALTER TABLE resolver.delivery ADD COLUMN tracked_by text NOT NULL DEFAULT '';
RESET ROLE;
