SET ROLE mailweave_resolver;
-- What a record has become: another one of its type.
ALTER TABLE resolver.directory_record ADD COLUMN merged_into text;
-- Records that were merged, until no activity names them any more.
CREATE TABLE resolver.merged_record (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type   text NOT NULL,
    id     text NOT NULL
);
-- Who names a record: looked up when it is merged into another one.
CREATE INDEX party_records ON resolver.party USING gin (records jsonb_path_ops) WHERE records <> '[]';
CREATE INDEX activity_regarding ON resolver.activity (regarding_type, regarding_id) WHERE regarding_id IS NOT NULL;
RESET ROLE;
