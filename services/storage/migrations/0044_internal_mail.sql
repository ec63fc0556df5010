SET ROLE mailweave_resolver;

-- One item for each queue that is to work on an activity.
CREATE TABLE resolver.queue_item (
    activity_id uuid NOT NULL REFERENCES resolver.activity,
    queue_id    text NOT NULL,
    created     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (activity_id, queue_id)
);
RESET ROLE;
