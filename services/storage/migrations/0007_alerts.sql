SET ROLE mailweave_fetcher;
CREATE TABLE fetcher.outbox (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic     text NOT NULL,
    key       bytea NOT NULL,
    value     bytea,
    headers   jsonb NOT NULL DEFAULT '{}',
    created   timestamptz NOT NULL DEFAULT now()
);
RESET ROLE;
SET ROLE mailweave_alerter;

-- The alerts of a key; the latest one has the place of the signal that was applied last. Never more than one is open.
CREATE TABLE alerter.alert (
    id          uuid PRIMARY KEY,
    object      text NOT NULL,
    code        text NOT NULL,
    direction   text NOT NULL,
    level       text NOT NULL,
    version     bigint NOT NULL,
    open        boolean NOT NULL,
    count       bigint NOT NULL,
    first_seen  timestamptz NOT NULL,
    last_seen   timestamptz NOT NULL,
    resolved_at timestamptz,
    resolved_by text NOT NULL DEFAULT '',
    detail      text NOT NULL,
    observed    timestamptz NOT NULL,
    fence       bigint,
    partition   integer NOT NULL,
    "offset"    bigint NOT NULL,
    failures    bigint NOT NULL,
    latest      boolean NOT NULL
);
CREATE UNIQUE INDEX alert_open ON alerter.alert (object, code, direction) WHERE open;
CREATE UNIQUE INDEX alert_latest ON alerter.alert (object, code, direction) WHERE latest;

CREATE TABLE alerter.outbox (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic     text NOT NULL,
    key       bytea NOT NULL,
    value     bytea,
    headers   jsonb NOT NULL DEFAULT '{}',
    created   timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE alerter.dead_letter (
    topic       text NOT NULL,
    partition   integer NOT NULL,
    "offset"    bigint NOT NULL,
    code        text NOT NULL,
    detail      text NOT NULL,
    delivery_id uuid,
    key         bytea,
    value       bytea,
    failed      timestamptz NOT NULL DEFAULT now(),
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'discarded')),
    headers     jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (topic, partition, "offset")
);
CREATE INDEX dead_letter_open ON alerter.dead_letter (topic, code) WHERE state = 'open';
CREATE TABLE alerter.dead_letter_action (
    topic     text NOT NULL,
    partition integer NOT NULL,
    "offset"  bigint NOT NULL,
    action    text NOT NULL CHECK (action IN ('replayed', 'discarded')),
    author    text NOT NULL,
    reason    text NOT NULL,
    time      timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (topic, partition, "offset") REFERENCES alerter.dead_letter
);
CREATE TABLE alerter.reject_streak (topic text PRIMARY KEY, length integer NOT NULL);
RESET ROLE;
