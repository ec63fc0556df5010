"""What people say of addresses, read for decisions; by which words they are resolved, kept."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg

from services.domain.addresses import normalise
from services.domain.directory import RecordRef
from services.domain.spoken import Word
from services.resolver.ledger import Item
from services.storage.inserting import upsert

Connection = psycopg.Connection[Any]

_OWN = """
    SELECT c.message_key, r.address, r.id, r.record_type, r.record_id
    FROM resolver.chosen c JOIN resolver.resolution r ON r.id = c.resolution
    WHERE c.message_key = ANY (%b) AND r.taken_back IS NULL ORDER BY r.everywhere DESC, r.applied
"""
# New mail names no record that is gone; one that was merged is named by what it has become.
_EVERY = """
    SELECT r.address, r.id, r.record_type, r.record_id FROM resolver.resolution r
    JOIN resolver.directory_record d ON (d.type, d.id) = (r.record_type, r.record_id)
    WHERE r.everywhere AND r.refused = '' AND r.taken_back IS NULL AND r.address = ANY (%b)
        AND (NOT d.deleted OR d.merged_into IS NOT NULL)
"""
_BECOME = """
    WITH RECURSIVE up (type, given, id) AS (
        SELECT w.type, w.id, w.id FROM unnest(%b::text[], %b::text[]) AS w (type, id)
        UNION
        SELECT up.type, up.given, d.merged_into FROM up JOIN resolver.directory_record d USING (type, id)
        WHERE d.merged_into IS NOT NULL
    )
    SELECT up.type, up.given, up.id FROM up JOIN resolver.directory_record d USING (type, id)
    WHERE d.merged_into IS NULL AND up.id <> up.given
"""


def read(
    connection: Connection, keys: Sequence[UUID], items: Iterable[Item]
) -> tuple[dict[UUID, dict[str, Word]], dict[str, Word]]:
    """Return by message and address what people say of these mails, and by address what they say of all mail."""
    addresses = {
        normalise(one.address)
        for m in (item.message for item in items)
        for group in (m.from_, m.to, m.cc, m.bcc)
        for one in group
    }
    own = connection.execute(_OWN, (list(keys),)).fetchall()
    every = connection.execute(_EVERY, (sorted(addresses),)).fetchall()
    if not own and not every:
        return {}, {}
    become = _become(connection, {RecordRef(*row[-2:]) for row in (*own, *every)})
    found: dict[UUID, dict[str, Word]] = defaultdict(dict)
    for key, address, command, *ref in own:
        found[key][address] = Word(command, become.get(RecordRef(*ref), RecordRef(*ref)))
    return dict(found), {
        address: Word(command, become.get(RecordRef(*ref), RecordRef(*ref))) for address, command, *ref in every
    }


def _become(connection: Connection, refs: Collection[RecordRef]) -> Mapping[RecordRef, RecordRef]:
    """Return what those of the records have become that were merged."""
    rows = connection.execute(_BECOME, ([ref.type for ref in refs], [ref.id for ref in refs]))
    return {RecordRef(kind, given): RecordRef(kind, now) for kind, given, now in rows}


def keep(connection: Connection, applied: Iterable[tuple[UUID, UUID]]) -> None:
    """Keep in which messages a word counts: (message, command)."""
    columns = ("message_key", "resolution")
    upsert(connection, "resolver.chosen", columns, set(applied), key=columns)
