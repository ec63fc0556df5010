"""Which messages wait for which addresses, by keyed hash, and the jobs of those whose address a record has gained."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import psycopg

from services.domain.identity import keyed_hash
from services.domain.resolved import awaited
from services.resolver.ledger import Item, Ledger
from services.resolver.threads import LOCK_DECIDING
from services.storage.inserting import upsert

Connection = psycopg.Connection[Any]

_JOBS = """
INSERT INTO resolver.job (targets, messages, cause)
SELECT '{}', array_agg(message_key ORDER BY place), %(cause)s
FROM (
    SELECT message_key, row_number() OVER (ORDER BY min(d.internal_date), message_key) - 1 AS place
    FROM (SELECT message_key FROM resolver.awaited_address WHERE address = ANY (%(addresses)b)
          UNION SELECT message_key FROM resolver.chosen WHERE resolution = ANY (%(said)b)) AS concerned
    JOIN resolver.delivery d USING (message_key)
    GROUP BY message_key
) AS waiting
GROUP BY place / %(piece)s ORDER BY place / %(piece)s
"""


def note(connection: Connection, items: Sequence[Item], ledger: Ledger, hash_key: bytes) -> None:
    """Note which addresses the messages of these deliveries wait for, as they are decided now."""
    rows = set()
    for item in items:
        delivered = item.delivered
        current = ledger.current[delivered.delivery_id]
        addresses = awaited(
            current.outcome,
            item.message,
            {delivered.mailbox, current.receiving or delivered.mailbox},
            ledger.resolved.get((delivered.message_key, delivered.direction), {}),
            item.wrapper,
        )
        rows |= {(_hashed(hash_key, address), delivered.message_key) for address in addresses}
    columns = ("address", "message_key")
    upsert(connection, "resolver.awaited_address", columns, rows, key=columns)


def leave_jobs(
    connection: Connection, addresses: Sequence[str], hash_key: bytes, *, piece: int, said: Sequence[UUID] = (),
    cause: str = "directory",
) -> None:  # fmt: skip
    """
    Leave jobs of at most ``piece`` messages for all that wait for these addresses, the older mail first.

    With ``said``, also for all that these words of people have resolved. What decides at this moment may not see the
    records, or words: it is waited for, so that its messages are found.
    """
    wait_for_decisions(connection)
    given = sorted({_hashed(hash_key, address) for address in addresses})
    connection.execute(_JOBS, {"addresses": given, "said": list(said), "piece": piece, "cause": cause})


def wait_for_decisions(connection: Connection) -> None:
    """Return when everything is committed that began to decide before; what begins now sees what is committed."""
    connection.execute("SELECT pg_advisory_lock(%(key)s), pg_advisory_unlock(%(key)s)", {"key": LOCK_DECIDING})


# Those of a batch come again and again; 65,536 entries were 22 MB that the load of a directory left behind.
@lru_cache(maxsize=8_192)
def _hashed(key: bytes, address: str) -> UUID:
    return keyed_hash(key, "address", address)
