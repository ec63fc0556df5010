SET ROLE mailweave_fetcher;

-- Raw mails that are to be fetched again from where they lie: taken when due, gone once they are answered.
CREATE TABLE fetcher.content_request (
    command  uuid PRIMARY KEY,
    delivery uuid NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    due      timestamptz NOT NULL
);
CREATE INDEX content_request_due ON fetcher.content_request (due);
RESET ROLE;

SET ROLE mailweave_resolver;

-- Mails that are to be decided again and whose raw mail was gone: the fetcher is asked for one of their places at a time.
CREATE TABLE resolver.content_request (
    delivery_id uuid PRIMARY KEY REFERENCES resolver.delivery,
    message_key uuid NOT NULL REFERENCES resolver.message,
    cause       text NOT NULL,            -- of the job that waits for it
    redecision  uuid REFERENCES resolver.redecision,
    times       integer NOT NULL DEFAULT 1,
    asked       timestamptz NOT NULL DEFAULT now(),
    answered    timestamptz,
    why         text NOT NULL DEFAULT ''  -- why it is not to be had; empty: it was stored again
);
CREATE INDEX content_request_open ON resolver.content_request (asked) WHERE answered IS NULL;
RESET ROLE;
