"""A trigger that keeps what became of every cursor, so that the judge sees the ones that went back."""

import psycopg

MOVES = "SELECT mailbox, folder, uidvalidity, before, after FROM faults.cursor_move ORDER BY id"
_MAKE = """
CREATE SCHEMA faults;
CREATE TABLE faults.cursor_move (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mailbox     text NOT NULL,
    folder      text NOT NULL,
    uidvalidity bigint NOT NULL,
    before      bigint NOT NULL,
    after       bigint NOT NULL
);
GRANT USAGE ON SCHEMA faults TO mailweave_reader;
GRANT SELECT ON faults.cursor_move TO mailweave_reader;
CREATE FUNCTION faults.keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO faults.cursor_move (mailbox, folder, uidvalidity, before, after)
    VALUES (NEW.mailbox, NEW.folder, NEW.uidvalidity, OLD.uid, NEW.uid);
    RETURN NULL;
END $$;
CREATE TRIGGER keep AFTER UPDATE ON fetcher.cursor FOR EACH ROW
    WHEN (OLD.uidvalidity = NEW.uidvalidity AND OLD.uid <> NEW.uid) EXECUTE FUNCTION faults.keep();
"""


def install(postgres: str) -> None:
    """Begin to keep them, in a schema of its own."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(_MAKE)
