SET ROLE mailweave_resolver;

-- For which unknown senders the CRM was asked to make a record: once for an address, and for good, whatever becomes of
-- the mail. The address itself is not kept here.
CREATE TABLE resolver.record_request (
    id               uuid PRIMARY KEY,    -- keyed hash of the normalised address
    type             text NOT NULL,
    message_key      uuid NOT NULL,       -- whose sender it is
    activity_id      uuid NOT NULL,
    settings_version bigint NOT NULL,
    asked            timestamptz NOT NULL
);
CREATE INDEX record_request_message ON resolver.record_request (message_key);
RESET ROLE;
