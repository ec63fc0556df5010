SET ROLE mailweave_resolver;
-- Users and queues whose record came, until it was seen whether they are to be given a mailbox.
CREATE TABLE resolver.arrived_principal (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type   text NOT NULL,
    id     text NOT NULL
);
RESET ROLE;
SET ROLE mailweave_alerter;
-- Who is told, as TYPE:ID. Alerts of before are addressed when the alerter starts.
ALTER TABLE alerter.alert ADD COLUMN addressees text[] NOT NULL DEFAULT '{}';
RESET ROLE;
SET ROLE mailweave_fetcher;
-- Goes up with each change of the place, and is in the event that tells of it.
ALTER TABLE fetcher.delivery ADD COLUMN place_version bigint NOT NULL DEFAULT 1;
RESET ROLE;
