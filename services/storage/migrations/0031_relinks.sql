SET ROLE mailweave_correlator;

-- What people asked of conversations: a command acts once, however often its record comes. Kept for good.
CREATE TABLE correlator.command (
    id      uuid PRIMARY KEY,
    kind    text NOT NULL,
    child   uuid NOT NULL,                -- id_key of the message it is about
    target  uuid,                         -- id_key of the message that it is parted from, or joined with
    onto    uuid,                         -- relink: id_key of the message that it belongs to instead
    author  text NOT NULL,
    reason  text NOT NULL,
    asked   timestamptz NOT NULL,
    applied timestamptz NOT NULL DEFAULT now(),
    refused text NOT NULL DEFAULT '',     -- why nothing came of it; empty: it was done
    outcome text NOT NULL DEFAULT ''      -- what came of it
);
CREATE INDEX command_child ON correlator.command (child);
CREATE INDEX command_target ON correlator.command (target);
CREATE INDEX command_onto ON correlator.command (onto);

-- Ids that a person has parted: no mail joins them again because it names both.
CREATE TABLE correlator.cut (
    id      uuid NOT NULL,
    target  uuid NOT NULL,
    command uuid NOT NULL,
    PRIMARY KEY (id, target)
);

-- A thread is walked from an id to the messages that have it.
CREATE INDEX message_id_key ON correlator.message (id_key);
RESET ROLE;

SET ROLE mailweave_resolver;

-- What a person has said of a message and what it points at. The latest version counts.
CREATE TABLE resolver.relink (
    child   uuid NOT NULL,                -- message_key
    target  uuid NOT NULL,                -- id_key
    version bigint NOT NULL,              -- graph version
    linked  boolean NOT NULL,
    command uuid NOT NULL,
    PRIMARY KEY (child, target)
);
RESET ROLE;
