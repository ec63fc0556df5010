SET ROLE mailweave_fetcher;

-- What people asked of mailboxes: a command acts once, however often its record comes.
CREATE TABLE fetcher.command (
    id      uuid PRIMARY KEY,
    kind    text NOT NULL,
    object  text NOT NULL,
    author  text NOT NULL,
    reason  text NOT NULL,
    applied timestamptz NOT NULL,
    refused text NOT NULL DEFAULT ''     -- why nothing came of it; empty: it was done
);
CREATE INDEX command_applied ON fetcher.command (applied);

CREATE TABLE fetcher.dead_letter (
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
CREATE INDEX dead_letter_open ON fetcher.dead_letter (topic, code) WHERE state = 'open';
CREATE TABLE fetcher.dead_letter_action (
    topic     text NOT NULL,
    partition integer NOT NULL,
    "offset"  bigint NOT NULL,
    action    text NOT NULL CHECK (action IN ('replayed', 'discarded')),
    author    text NOT NULL,
    reason    text NOT NULL,
    time      timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (topic, partition, "offset") REFERENCES fetcher.dead_letter
);
CREATE TABLE fetcher.reject_streak (topic text PRIMARY KEY, length integer NOT NULL);
RESET ROLE;
