SET ROLE mailweave_resolver;

-- Parts of a mail that are no attachments of its activity. The raw mail still has them.
CREATE TABLE resolver.dropped_attachment (
    activity_id uuid NOT NULL REFERENCES resolver.activity,
    path        text NOT NULL,
    name        text NOT NULL,
    type        text NOT NULL,
    size        bigint NOT NULL,
    sha256      bytea NOT NULL,
    content_id  text NOT NULL,
    inline      boolean NOT NULL,
    reason      text NOT NULL CHECK (reason IN ('BlockedName', 'BlockedContent', 'TooLarge')),
    detail      text NOT NULL,            -- the blocked extension, or the largest size in KB
    PRIMARY KEY (activity_id, path)
);
RESET ROLE;
