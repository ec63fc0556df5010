SET ROLE mailweave_resolver;

-- Messages that are the same mail as another one under another id: what is accepted of them is filed in its activity.
CREATE TABLE resolver.joined (
    message_key uuid NOT NULL REFERENCES resolver.message,
    direction   text NOT NULL CHECK (direction IN ('incoming', 'outgoing')),
    elder       uuid NOT NULL REFERENCES resolver.message,  -- the message whose activity of that direction it is
    activity_id uuid NOT NULL,            -- the activity that it had by itself, and has again should the elder's end
    joined      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (message_key, direction),
    CHECK (elder <> message_key)
);
CREATE INDEX joined_elder ON resolver.joined (elder);
RESET ROLE;
