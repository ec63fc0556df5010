SET ROLE mailweave_resolver;

-- The records that an activity hangs off, and those that it has hung off: kept for good, also when it is no more.
CREATE TABLE resolver.regarding (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    activity_id uuid NOT NULL,
    message_key uuid NOT NULL REFERENCES resolver.message,
    type        text NOT NULL,
    id          text NOT NULL,
    position    integer NOT NULL,           -- the first one also stands in the activity itself
    source      text NOT NULL CHECK (source IN ('manual', 'folder', 'correlated')),
    author      text NOT NULL,              -- the person, or the mailbox in whose folder the mail lies
    why         text NOT NULL,              -- the person's reason, the key of the folder's rule, or the activity answered
    since       timestamptz NOT NULL DEFAULT now(),
    until       timestamptz,                -- NULL: it does so today
    ended       text NOT NULL DEFAULT ''    -- person: taken away, and not given again but by a person; changed: what it
                CHECK (ended IN ('', 'person', 'changed', 'merged', 'withdrawn')),  -- followed from; or the record, the activity
    ended_by    text NOT NULL DEFAULT '',   -- the person
    ended_why   text NOT NULL DEFAULT '',   -- the person's reason
    sent_at     timestamptz NOT NULL,       -- of the activity; -infinity where the mail has no date
    CHECK ((until IS NULL) = (ended = ''))
);
CREATE UNIQUE INDEX regarding_now ON resolver.regarding (activity_id, type, id) WHERE until IS NULL;
CREATE INDEX regarding_timeline ON resolver.regarding (type, id, sent_at, activity_id) WHERE until IS NULL;
CREATE INDEX regarding_record ON resolver.regarding (type, id) WHERE until IS NOT NULL;
CREATE INDEX regarding_message ON resolver.regarding (message_key);
CREATE INDEX regarding_taken_away ON resolver.regarding (message_key) WHERE ended = 'person';

INSERT INTO resolver.regarding (activity_id, message_key, type, id, position, source, author, why, since, sent_at)
SELECT id, message_key, regarding_type, regarding_id, 0,
    CASE WHEN regarding_source IN ('manual', 'folder') THEN regarding_source ELSE 'correlated' END, '', '', created,
    coalesce(sent_at, '-infinity')
FROM resolver.activity WHERE regarding_type IS NOT NULL AND regarding_id IS NOT NULL;

-- What people asked of activities: a command acts once, however often its record comes. Kept for good.
CREATE TABLE resolver.command (
    id       uuid PRIMARY KEY,
    kind     text NOT NULL,
    author   text NOT NULL,
    reason   text NOT NULL,
    asked    timestamptz NOT NULL,
    applied  timestamptz NOT NULL DEFAULT now(),
    refused  text NOT NULL DEFAULT '',     -- why nothing came of it; empty: it was done
    outcome  text NOT NULL DEFAULT ''      -- what came of it
);
RESET ROLE;
