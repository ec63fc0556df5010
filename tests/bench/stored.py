"""Rows of mails that are stored already, made by the database itself in the shapes that the pipeline writes."""

from pathlib import Path
from typing import Any

import psycopg

CHUNK = 100_000
_PREPARE = """
    SET session_replication_role = replica;
    CREATE FUNCTION pg_temp.key(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5('key' || n)::uuid $$;
    CREATE FUNCTION pg_temp.id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5('id' || n)::uuid $$;
    CREATE TEMP TABLE body AS
        SELECT number, string_agg(md5(random()::text), ' ') AS text
        FROM generate_series(0, 999) number, generate_series(1, 88) GROUP BY number;
"""


def fill(database: psycopg.Connection[Any], count: int) -> str:
    """
    Store the rows of ``count`` mails and return the size of the database in words. Blobs are left out.

    Bodies are 1,000 texts of 2.9 kB, the mean of the reference set.
    """
    database.execute(_PREPARE)
    database.execute("SELECT setval('correlator.graph_version', %s)", (count + 1,))
    statements = Path(__file__).with_name("stored.sql").read_text().split(";\n")
    for first in range(1, count + 1, CHUNK):
        for statement in statements:
            database.execute(statement.encode(), {"first": first, "last": min(first + CHUNK - 1, count)})
    database.execute("VACUUM ANALYZE")
    database.execute("CHECKPOINT")  # what was stored long ago waits for no disk
    row = database.execute("SELECT pg_size_pretty(pg_database_size(current_database()))").fetchone()
    return str(row[0]) if row else ""
