SET ROLE mailweave_resolver;

-- What a decision about correlation came to, beside method and target.
ALTER TABLE resolver.decision
    ADD COLUMN rule       text NOT NULL DEFAULT '',               -- the line of the rule table that decided
    ADD COLUMN confidence double precision NOT NULL DEFAULT 0,
    ADD COLUMN effect     text NOT NULL DEFAULT '',               -- starts, joins or branches
    ADD COLUMN verified   boolean NOT NULL DEFAULT true;          -- false: linked, and nothing follows from it
ALTER TABLE resolver.activity
    ADD COLUMN subject_changed boolean NOT NULL DEFAULT false,    -- differs from the correlated one's
    ADD COLUMN branch          boolean NOT NULL DEFAULT false,
    ADD COLUMN verified        boolean NOT NULL DEFAULT true;

-- What a decision asks a person about. A later decision asks anew.
CREATE TABLE resolver.review (
    delivery_id uuid NOT NULL,
    version     integer NOT NULL,
    kind        text NOT NULL,            -- contradiction, ambiguous, unverified or suggestion
    target      uuid NOT NULL,            -- message_key
    confidence  double precision NOT NULL,
    why         text NOT NULL,
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'superseded', 'confirmed', 'dismissed')),
    opened      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (delivery_id, version, kind, target),
    FOREIGN KEY (delivery_id, version) REFERENCES resolver.decision
);
CREATE INDEX review_open ON resolver.review (opened) WHERE state = 'open';

-- Mails under one Thread-Index root by their place in it.
CREATE INDEX evidence_thread_index ON resolver.evidence (target, value COLLATE "C") WHERE kind = 'thread_index';

-- Mails that stand below these places in these conversations must be decided again.
ALTER TABLE resolver.job
    ADD COLUMN roots uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN above text[] NOT NULL DEFAULT '{}';
RESET ROLE;
