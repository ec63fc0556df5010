-- The headers go back with a replay. What people did stays, and a stage that stopped itself remembers it over a restart.
DO $$
DECLARE
    owner text;
BEGIN
    FOREACH owner IN ARRAY ARRAY['correlator', 'resolver'] LOOP
        EXECUTE format('SET LOCAL ROLE %I', 'mailweave_' || owner);
        EXECUTE format('ALTER TABLE %I.dead_letter ADD COLUMN headers jsonb NOT NULL DEFAULT ''{}''', owner);
        EXECUTE format('CREATE TABLE %I.dead_letter_action (
            topic text NOT NULL, partition integer NOT NULL, "offset" bigint NOT NULL,
            action text NOT NULL CHECK (action IN (''replayed'', ''discarded'')),
            author text NOT NULL, reason text NOT NULL, time timestamptz NOT NULL DEFAULT clock_timestamp(),
            FOREIGN KEY (topic, partition, "offset") REFERENCES %I.dead_letter)', owner, owner);
        EXECUTE format('CREATE INDEX dead_letter_open ON %I.dead_letter (topic, code) WHERE state = ''open''', owner);
        EXECUTE format('CREATE TABLE %I.reject_streak (topic text PRIMARY KEY, length integer NOT NULL)', owner);
        RESET ROLE;
    END LOOP;
END $$;
