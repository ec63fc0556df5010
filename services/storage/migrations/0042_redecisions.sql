SET ROLE mailweave_resolver;

-- What people have asked to be decided again under the settings of that day. Kept for good.
CREATE TABLE resolver.redecision (
    id               uuid PRIMARY KEY,
    author           text NOT NULL,
    reason           text NOT NULL,
    asked            timestamptz NOT NULL DEFAULT now(),
    since            timestamptz NOT NULL,   -- messages that came since then in any of their deliveries
    mailbox          text,                   -- and in this mailbox; NULL: in any
    settings_version bigint NOT NULL,        -- a worker that does not know these settings yet waits
    messages         integer NOT NULL
);
-- The messages of such a job that are among those asked for are decided as if they were undecided.
ALTER TABLE resolver.job ADD COLUMN redecision uuid REFERENCES resolver.redecision;
CREATE INDEX job_order ON resolver.job ((redecision IS NOT NULL), id);
ALTER TABLE resolver.decision ADD COLUMN redecision uuid REFERENCES resolver.redecision;

-- Activities that are no more: one that comes again goes on from this version, so that nobody drops its events.
CREATE TABLE resolver.withdrawn (
    activity_id uuid PRIMARY KEY,
    version     bigint NOT NULL,
    withdrawn   timestamptz NOT NULL DEFAULT now()
);
RESET ROLE;
