SET ROLE mailweave_resolver;

-- What the resolver knows of a message, accepted or not. Rejected ones keep no subject, address or body.
CREATE TABLE resolver.message (
    message_key   uuid PRIMARY KEY,
    id_key        uuid NOT NULL,
    message_id    text,                   -- NULL once erased
    thread        bigint NOT NULL,        -- merges are applied when a notice comes, and resolved again on read
    graph_version bigint NOT NULL,
    flagged       boolean NOT NULL DEFAULT false  -- another identity has the same canonical id
);
CREATE INDEX message_id_key ON resolver.message (id_key);
CREATE INDEX message_by_thread ON resolver.message (thread);

CREATE TABLE resolver.evidence (
    child    uuid NOT NULL,               -- message_key
    target   uuid NOT NULL,               -- id_key, stored here or not
    kind     text NOT NULL,
    cls      text NOT NULL,
    position integer NOT NULL,
    value    text,                        -- NULL once erased
    PRIMARY KEY (child, target, kind)
);
CREATE INDEX evidence_target ON resolver.evidence (target);

-- Messages that point at each other in a circle: that evidence counts for nothing between them.
CREATE TABLE resolver.circling (
    child  uuid NOT NULL,                 -- message_key
    target uuid NOT NULL,                 -- message_key: another message under the same id may still count
    PRIMARY KEY (child, target)
);

CREATE TABLE resolver.delivery (
    id            uuid PRIMARY KEY,
    message_key   uuid NOT NULL REFERENCES resolver.message,
    direction     text NOT NULL CHECK (direction IN ('incoming', 'outgoing')),
    direction_flag text,                  -- own-address-unauthenticated, or NULL
    source        text NOT NULL,
    mailbox       text NOT NULL,
    folder        text NOT NULL,
    folder_role   text NOT NULL,
    uidvalidity   bigint,
    uid           bigint,
    internal_date timestamptz NOT NULL,
    blob_sha256   bytea
);
CREATE INDEX delivery_message ON resolver.delivery (message_key);

-- Every decision is kept; exactly one per delivery is current.
CREATE TABLE resolver.decision (
    delivery_id      uuid NOT NULL REFERENCES resolver.delivery,
    version          integer NOT NULL,    -- counts from 1
    current          boolean NOT NULL,
    outcome          text NOT NULL,       -- accepted, or a reason code
    activity_id      uuid,
    accepted_type    text,                -- the accepting user or queue
    accepted_id      text,
    accepted_rank    integer,             -- order To, Cc, unnamed: the least one is the activity's acceptor
    method           text NOT NULL,       -- correlation method, or empty
    correlated       uuid,                -- message_key of the correlated message
    evidence         jsonb NOT NULL,      -- everything looked at, whether it counted and why
    settings_version bigint NOT NULL,
    graph_version    bigint NOT NULL,
    code_version     text NOT NULL,
    cause            text NOT NULL,       -- arrival, or what made it be decided again
    decided          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (delivery_id, version)
);
CREATE UNIQUE INDEX decision_current ON resolver.decision (delivery_id) WHERE current;
CREATE INDEX decision_outcome ON resolver.decision (outcome) WHERE current;

CREATE TABLE resolver.activity (
    id                uuid PRIMARY KEY,
    message_key       uuid NOT NULL REFERENCES resolver.message,
    direction         text NOT NULL,
    version           bigint NOT NULL,
    subject           text NOT NULL,
    sent_at           timestamptz,
    blob_sha256       bytea,
    body_text         text NOT NULL,
    method            text NOT NULL,
    correlated        uuid,               -- activity id
    parent            uuid,               -- activity id
    regarding_type    text,
    regarding_id      text,
    regarding_source  text,               -- inherited or manual; automatic writes never touch manual
    owner_type        text,
    owner_id          text,
    accepted_type     text,
    accepted_id       text,
    repairs           text[] NOT NULL,
    parse_outcome     text NOT NULL,
    settings_version  bigint NOT NULL,
    code_version      text NOT NULL,
    created           timestamptz NOT NULL DEFAULT now(),
    UNIQUE (message_key, direction)
);

CREATE TABLE resolver.party (
    activity_id uuid NOT NULL REFERENCES resolver.activity,
    role        text NOT NULL CHECK (role IN ('from', 'to', 'cc', 'bcc', 'owner')),
    position    integer NOT NULL,
    address     text NOT NULL,            -- normalised
    name        text NOT NULL,
    records     jsonb NOT NULL,           -- [{type, id}]: what the address resolved to; empty is unresolved
    PRIMARY KEY (activity_id, role, position)
);

CREATE TABLE resolver.attachment (
    activity_id uuid NOT NULL REFERENCES resolver.activity,
    path        text NOT NULL,
    name        text NOT NULL,
    type        text NOT NULL,
    size        bigint NOT NULL,
    sha256      bytea NOT NULL,
    content_id  text NOT NULL,
    inline      boolean NOT NULL,
    PRIMARY KEY (activity_id, path)
);

-- Every merged and moved notice, known thread or not.
CREATE TABLE resolver.thread_merge (
    loser   bigint PRIMARY KEY,
    winner  bigint NOT NULL,
    version bigint NOT NULL
);
CREATE TABLE resolver.thread_move (
    message_key uuid PRIMARY KEY,
    thread      bigint NOT NULL,
    version     bigint NOT NULL
);

-- The root of a thread, through every notice so far.
CREATE FUNCTION resolver.root(thread bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    WITH RECURSIVE up(t, depth) AS (
        SELECT thread, 0
        UNION ALL
        SELECT m.winner, up.depth + 1 FROM up JOIN resolver.thread_merge m ON m.loser = up.t
    )
    SELECT t FROM up ORDER BY depth DESC LIMIT 1
$$;

-- The thread of a message today, through every notice so far.
CREATE VIEW resolver.message_thread AS
    SELECT m.message_key, resolver.root(coalesce(v.thread, m.thread)) AS thread
    FROM resolver.message m
    LEFT JOIN resolver.thread_move v ON v.message_key = m.message_key AND v.version > m.graph_version;

-- Messages whose evidence points at these ids must be decided again.
CREATE TABLE resolver.job (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    targets  uuid[] NOT NULL,             -- id_keys whose state changed
    messages uuid[] NOT NULL DEFAULT '{}',  -- message_keys to decide again themselves
    cause    text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    due      timestamptz NOT NULL DEFAULT now(),
    created  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE resolver.outbox (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic     text NOT NULL,
    key       bytea NOT NULL,
    value     bytea,
    headers   jsonb NOT NULL DEFAULT '{}',
    created   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE resolver.dead_letter (
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

CREATE SEQUENCE resolver.directory_ordinal;

-- The directory, projected. Position of the last applied record: an older one changes nothing.
CREATE TABLE resolver.directory_record (
    type       text NOT NULL,
    id         text NOT NULL,
    ordinal    bigint NOT NULL DEFAULT nextval('resolver.directory_ordinal'),  -- age: the older record wins a tie
    name       text NOT NULL,
    owner_type text,
    owner_id   text,
    active     boolean NOT NULL,
    deleted    boolean NOT NULL DEFAULT false,
    partition  integer NOT NULL,
    "offset"   bigint NOT NULL,
    PRIMARY KEY (type, id)
);
CREATE TABLE resolver.directory_address (
    address text NOT NULL,                -- normalised
    type    text NOT NULL,
    id      text NOT NULL,
    PRIMARY KEY (address, type, id),
    FOREIGN KEY (type, id) REFERENCES resolver.directory_record
);
CREATE INDEX directory_address_record ON resolver.directory_address (type, id);
CREATE TABLE resolver.directory_progress (
    partition integer PRIMARY KEY,
    "offset"  bigint NOT NULL             -- the next one to apply
);
RESET ROLE;
