SET ROLE mailweave_fetcher;

-- Mail that was seen on the server and not taken, by intent: no decision is made about it, and verify knows it.
CREATE TABLE fetcher.passed (
    id            uuid PRIMARY KEY,       -- of the delivery that it would have become
    mailbox       text NOT NULL,
    folder_id     text NOT NULL,
    uidvalidity   bigint,                 -- NULL: POP3
    uid           bigint,
    received      timestamptz NOT NULL,
    reason        text NOT NULL,          -- BeforeStartDate
    passed        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX passed_place ON fetcher.passed (mailbox, folder_id, uidvalidity, uid);
RESET ROLE;
