SET ROLE mailweave_resolver;
-- Who takes part in which activity, in the order of time: what the timeline of a record and the list of unresolved
-- addresses read, however many there are. Follows from the parties, and is kept by the triggers below alone.
CREATE TABLE resolver.taking_part (
    type        text NOT NULL,            -- of the record; empty for an address that no record is behind
    id          text NOT NULL,            -- of the record, or that address
    sent_at     timestamptz NOT NULL,     -- of the activity; -infinity where the mail has no date
    activity_id uuid NOT NULL,
    PRIMARY KEY (type, id, sent_at, activity_id)
);
CREATE INDEX taking_part_unresolved ON resolver.taking_part (sent_at, id, activity_id) WHERE type = '';

-- Whom a party is: its records, or where it has none its address.
CREATE FUNCTION resolver.who(address text, records jsonb) RETURNS TABLE (type text, id text)
LANGUAGE sql IMMUTABLE ROWS 1 AS $$
    SELECT r.value ->> 'type', r.value ->> 'id' FROM jsonb_array_elements(records) AS r
    UNION ALL
    SELECT '', address WHERE records = '[]' AND address <> ''
$$;

CREATE FUNCTION resolver.parties_came() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO resolver.taking_part (type, id, sent_at, activity_id)
    SELECT w.type, w.id, coalesce(a.sent_at, '-infinity'), p.activity_id
    FROM came p JOIN resolver.activity a ON a.id = p.activity_id CROSS JOIN LATERAL resolver.who(p.address, p.records) w
    ORDER BY 1, 2, 3, 4
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

-- Somebody may be another party of the same activity, too.
CREATE FUNCTION resolver.parties_went() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM resolver.taking_part t
    USING (SELECT DISTINCT w.type, w.id, coalesce(a.sent_at, '-infinity') AS sent_at, p.activity_id
           FROM went p JOIN resolver.activity a ON a.id = p.activity_id
           CROSS JOIN LATERAL resolver.who(p.address, p.records) w) AS gone
    WHERE t.type = gone.type AND t.id = gone.id AND t.sent_at = gone.sent_at AND t.activity_id = gone.activity_id
      AND NOT EXISTS (SELECT FROM resolver.party p CROSS JOIN LATERAL resolver.who(p.address, p.records) w
                      WHERE p.activity_id = gone.activity_id AND w.type = gone.type AND w.id = gone.id);
    RETURN NULL;
END $$;

CREATE TRIGGER came AFTER INSERT ON resolver.party
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION resolver.parties_came();
CREATE TRIGGER changed_from AFTER UPDATE ON resolver.party
    REFERENCING OLD TABLE AS went FOR EACH STATEMENT EXECUTE FUNCTION resolver.parties_went();
CREATE TRIGGER changed_to AFTER UPDATE ON resolver.party
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION resolver.parties_came();
CREATE TRIGGER went AFTER DELETE ON resolver.party
    REFERENCING OLD TABLE AS went FOR EACH STATEMENT EXECUTE FUNCTION resolver.parties_went();

INSERT INTO resolver.taking_part (type, id, sent_at, activity_id)
SELECT DISTINCT w.type, w.id, coalesce(a.sent_at, '-infinity'), p.activity_id
FROM resolver.party p JOIN resolver.activity a ON a.id = p.activity_id
CROSS JOIN LATERAL resolver.who(p.address, p.records) w
ORDER BY 1, 2, 3, 4;
DROP INDEX resolver.party_records;

-- What regards a record, in the order of time.
DROP INDEX resolver.activity_regarding;
CREATE INDEX activity_regarding ON resolver.activity
    (regarding_type, regarding_id, (coalesce(sent_at, '-infinity')), id) WHERE regarding_id IS NOT NULL;
RESET ROLE;
