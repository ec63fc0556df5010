"""Forgets what the likeness index could be rebuilt from, once the index itself keeps it no longer."""

from services.correlator.likeness_index import DAYS_KEPT
from services.runtime.retention import AT_ONCE
from services.storage.postgres import Database

# What was found is evidence, which a redelivery gets again; that nothing was found need not be known for ever.
_FORGET = """
WITH old AS (
    SELECT message_key, target FROM correlator.likeness
    WHERE kept <> '' AND stored < now() - make_interval(days => %s)
    ORDER BY stored LIMIT %s FOR UPDATE SKIP LOCKED
), emptied AS (
    UPDATE correlator.likeness l SET kept = '' FROM old WHERE l.message_key = old.message_key AND old.target IS NOT NULL
), dropped AS (
    DELETE FROM correlator.likeness l USING old WHERE l.message_key = old.message_key AND old.target IS NULL
)
SELECT count(*) FROM old"""


def forget(database: Database) -> int:
    """Drop the smart-match keys of up to 1,000 mails that are too old for the index; return of how many."""
    with database.transaction() as connection:
        (count,) = connection.execute(_FORGET, (DAYS_KEPT, AT_ONCE)).fetchone() or (0,)
    return int(count)
