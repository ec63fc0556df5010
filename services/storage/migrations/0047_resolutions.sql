SET ROLE mailweave_resolver;

-- What people have asked about who an address of a mail is: a command acts once, however often it comes. Kept for good.
CREATE TABLE resolver.resolution (
    id          uuid PRIMARY KEY,         -- the command
    kind        text NOT NULL CHECK (kind IN ('resolve', 'unresolve')),
    activity_id uuid NOT NULL,
    message_key uuid,                     -- NULL: there was no such activity
    address     text NOT NULL,            -- normalised
    record_type text,                     -- resolve: who it is
    record_id   text,
    everywhere  boolean NOT NULL DEFAULT false,  -- for all mail in which the address is unresolved, later mail too
    author      text NOT NULL,
    reason      text NOT NULL,
    asked       timestamptz NOT NULL,
    applied     timestamptz NOT NULL DEFAULT now(),
    refused     text NOT NULL DEFAULT '', -- why nothing came of it; empty: it was done
    taken_back  uuid REFERENCES resolver.resolution  -- by this command
);
CREATE UNIQUE INDEX resolution_everywhere ON resolver.resolution (address)
    WHERE everywhere AND refused = '' AND taken_back IS NULL;
CREATE INDEX resolution_message ON resolver.resolution (message_key);

-- The mails in which a word about an address counts: the one that it was said of, and those where it was applied.
CREATE TABLE resolver.chosen (
    message_key uuid NOT NULL,
    resolution  uuid NOT NULL REFERENCES resolver.resolution,
    PRIMARY KEY (message_key, resolution)
);
CREATE INDEX chosen_resolution ON resolver.chosen (resolution);

-- By whose word a party is resolved; NULL: by the directory.
ALTER TABLE resolver.party ADD COLUMN resolution uuid;

-- A word that was said or taken back waits here too, until the messages that it concerns have their jobs.
ALTER TABLE resolver.gained_address ALTER COLUMN address DROP NOT NULL, ADD COLUMN resolution uuid;
RESET ROLE;
