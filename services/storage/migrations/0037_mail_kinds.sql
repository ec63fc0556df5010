SET ROLE mailweave_resolver;

-- What kind of mail it is; empty for what was decided before kinds were told apart.
ALTER TABLE resolver.decision ADD COLUMN kind text NOT NULL DEFAULT '';
ALTER TABLE resolver.activity ADD COLUMN kind text NOT NULL DEFAULT '';

-- What bounces, receipts and complaints say of a mail of ours, one row for each recipient.
CREATE TABLE resolver.report (
    activity_id uuid NOT NULL REFERENCES resolver.activity,  -- of the mail reported on
    message_key uuid NOT NULL REFERENCES resolver.message,   -- the report
    address     text NOT NULL,                               -- normalised; empty where a complaint names nobody
    kind        text NOT NULL,                               -- bounce, receipt or feedback
    action      text NOT NULL,                               -- failed, delayed, delivered, displayed, abuse, ...
    status      text NOT NULL,                               -- RFC 3463, or empty
    detail      text NOT NULL,                               -- what another server said
    noted       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (activity_id, message_key, address)
);
RESET ROLE;
