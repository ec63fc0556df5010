SET ROLE mailweave_resolver;

-- Incoming activities that were merged into the outgoing one of their message. Their version goes on where it stood
-- when such an activity comes back.
CREATE TABLE resolver.merged_activity (
    id          uuid PRIMARY KEY,
    message_key uuid NOT NULL REFERENCES resolver.message,
    version     bigint NOT NULL,
    into_id     uuid NOT NULL,
    merged      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX merged_activity_message ON resolver.merged_activity (message_key);

-- One item for each queue that is to work on an activity.
CREATE TABLE resolver.queue_item (
    activity_id uuid NOT NULL REFERENCES resolver.activity,
    queue_id    text NOT NULL,
    created     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (activity_id, queue_id)
);
RESET ROLE;
