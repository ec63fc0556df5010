SET ROLE mailweave_correlator;

CREATE SEQUENCE correlator.graph_version;

-- One row per id in any Message-ID, In-Reply-To or References; an id not seen yet is a ghost.
CREATE TABLE correlator.node (
    id     uuid PRIMARY KEY,              -- keyed hash of the canonical id
    thread bigint NOT NULL,               -- at the time of writing; merges are resolved on read
    seen   boolean NOT NULL,
    mid    text                           -- NULL once erased
) WITH (fillfactor = 90);

-- The stored result that a redelivery re-emits. One row per message identity.
CREATE TABLE correlator.message (
    message_key uuid PRIMARY KEY,         -- keyed hash of the identity
    id_key      uuid NOT NULL,            -- keyed hash of the canonical id: two rows may share it
    thread      bigint NOT NULL,
    version     bigint NOT NULL,
    truncated   boolean NOT NULL
);

-- What a message points at. A removed edge stays, so that a redelivery never adds it again.
CREATE TABLE correlator.edge (
    child      uuid NOT NULL,             -- message_key
    target     uuid NOT NULL,             -- id_key
    kind       text NOT NULL,
    position   integer NOT NULL,
    decision   uuid,
    removed_by uuid,
    PRIMARY KEY (child, target, kind)
);
CREATE INDEX edge_target ON correlator.edge (target);

-- Alias table, kept for good. A thread can lose only once.
CREATE TABLE correlator.merge (
    loser   bigint PRIMARY KEY,
    winner  bigint NOT NULL,
    version bigint NOT NULL,
    cause   uuid NOT NULL
);

CREATE TABLE correlator.outbox (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic     text NOT NULL,
    key       bytea NOT NULL,
    value     bytea,
    headers   jsonb NOT NULL DEFAULT '{}',
    created   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE correlator.dead_letter (
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
    PRIMARY KEY (topic, partition, "offset")
);
RESET ROLE;
