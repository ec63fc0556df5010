SET ROLE mailweave_resolver;

-- Under which address, that no record has, whose mailbox was given which mail, as the mailbox's own server says. These
-- are addresses of ours, not of those who write.
CREATE TABLE resolver.alias_sighting (
    address     text NOT NULL,            -- normalised
    type        text NOT NULL,            -- the user or queue behind the mailbox
    id          text NOT NULL,
    message_key uuid NOT NULL,
    seen        timestamptz NOT NULL,     -- when the mail came
    PRIMARY KEY (address, type, id, message_key)
);

-- Addresses that a person has confirmed to be another one of a user or queue.
CREATE TABLE resolver.alias (
    address text PRIMARY KEY,
    type    text NOT NULL,
    id      text NOT NULL
);

-- What people have said of them: a command acts once, however often it comes. Kept for good.
CREATE TABLE resolver.alias_answer (
    id      uuid PRIMARY KEY,             -- the command
    address text NOT NULL,
    type    text NOT NULL,
    ref     text NOT NULL,                -- id of the user or queue
    answer  text NOT NULL CHECK (answer IN ('confirmed', 'dismissed', 'removed')),
    author  text NOT NULL,
    reason  text NOT NULL,
    asked   timestamptz NOT NULL,
    applied timestamptz NOT NULL DEFAULT now(),
    refused text NOT NULL DEFAULT ''      -- why nothing came of it; empty: it was done
);
CREATE INDEX alias_answer_address ON resolver.alias_answer (address, type, ref);
RESET ROLE;
