"""The directory, projected from its topic: identity and addresses of users, queues, contacts, accounts, leads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from services import contracts
from services.domain.addresses import normalise
from services.domain.directory import PRINCIPALS
from services.domain.errors import Reject, UndecodableRecord
from services.resolver import directory_addresses
from services.storage.inserting import upsert

LONGEST = 500
"""Characters of a type, id, name or address. Longer ones are no names; PostgreSQL cannot index them."""


# One that is removed keeps its owner: mail of the past is decided as if it were there.
_LATER = (
    "DO UPDATE SET name = excluded.name,"
    " owner_type = CASE WHEN excluded.deleted THEN directory_record.owner_type ELSE excluded.owner_type END,"
    " owner_id = CASE WHEN excluded.deleted THEN directory_record.owner_id ELSE excluded.owner_id END,"
    " active = excluded.active, deleted = excluded.deleted, merged_into = excluded.merged_into,"
    ' partition = excluded.partition, "offset" = excluded."offset" WHERE excluded."offset" > directory_record."offset"'
    " OR excluded.partition <> directory_record.partition"
)


class InvalidDirectoryRecord(Reject):
    """The record has the right form, but cannot be one of a directory."""

    code = "invalid_directory_record"


@dataclass(frozen=True, slots=True)
class Change:
    """One record of the ``directory`` topic and where it stood."""

    partition: int
    offset: int
    record: dict[str, Any]


def read(partition: int, offset: int, key: bytes | None, value: bytes | None) -> Change:
    """Decode one record; a tombstone removes what its key (``type/id``) names."""
    if value is None:
        kind, _, name = (key or b"").decode("utf-8", "replace").partition("/")
        gone: dict[str, Any] = {
            "type": kind,
            "id": name,
            "name": "",
            "addresses": [],
            "owner": None,
            "active": False,
            "deleted": True,
            "merged_into": None,
        }
        return Change(partition, offset, gone)
    name, record = contracts.decode(value)
    if name != "DirectoryRecord":
        raise UndecodableRecord(f"{name} is no record of directory")
    texts = (record["type"], record["id"], record["name"], *record["addresses"], record["merged_into"] or "")
    if any("\0" in text or len(text) > LONGEST for text in texts):
        raise InvalidDirectoryRecord(f"a text has more than {LONGEST} characters, or a NUL")
    merged_into = record["merged_into"]
    if merged_into is not None and (
        record["type"] in PRINCIPALS or not record["deleted"] or merged_into == record["id"]
    ):
        raise InvalidDirectoryRecord("only a deleted record that is no user or queue can be merged into another one")
    return Change(partition, offset, record)


def apply(connection: psycopg.Connection[Any], changes: Sequence[Change], reached: Mapping[int, int]) -> None:
    """
    Apply changes; of one record the latest counts, and one that is older than what is stored changes nothing.

    ``reached`` holds the next offset of each partition, past records that were no changes too; it is kept in the
    same transaction, so that everybody can tell when a pushed record acts. Users and queues that came are noted in it
    too, so that none is missed who is to be given a mailbox.
    """
    latest: dict[tuple[str, str], Change] = {}
    for change in sorted(changes, key=lambda c: (c.partition, c.offset)):
        latest[change.record["type"], change.record["id"]] = change
    sleeping = directory_addresses.inactive(connection, latest)
    written = upsert(
        connection,
        "resolver.directory_record",
        (
            "type",
            "id",
            "name",
            "owner_type",
            "owner_id",
            "active",
            "deleted",
            "merged_into",
            "partition",
            "offset",
            "ordinal",
        ),
        [(*_row(change), age) for change, age in zip(latest.values(), _ages(connection, len(latest)), strict=True)],
        key=("type", "id"),
        conflict=_LATER,
        returning=("type", "id"),
    )
    records = {key: latest[key].record for key in written}
    addresses = {key: frozenset(map(normalise, record["addresses"])) - {""} for key, record in records.items()}
    active = [key for key, record in records.items() if record["active"]]
    directory_addresses.replace(connection, addresses, sleeping & set(active))
    merged = [key for key, record in records.items() if record["merged_into"] is not None]
    if merged:
        connection.execute(
            "INSERT INTO resolver.merged_record (type, id) SELECT * FROM unnest(%s::text[], %s::text[])",
            ([kind for kind, _ in merged], [name for _, name in merged]),
        )
    arrived = [(kind, name) for kind, name in active if kind in PRINCIPALS]
    if arrived:
        connection.execute(
            "INSERT INTO resolver.arrived_principal (type, id) SELECT * FROM unnest(%s::text[], %s::text[])",
            ([kind for kind, _ in arrived], [name for _, name in arrived]),
        )
    upsert(
        connection,
        "resolver.directory_progress",
        ("partition", "offset"),
        list(reached.items()),
        key=("partition",),
        conflict='DO UPDATE SET "offset" = greatest(directory_progress."offset", excluded."offset")',
    )


def _ages(connection: psycopg.Connection[Any], count: int) -> list[int]:
    """Return growing numbers, in the order in which records came: a record keeps its first one."""
    rows = connection.execute(
        "SELECT nextval('resolver.directory_ordinal') FROM generate_series(1, %s) ORDER BY 1", (count,)
    )
    return [number for (number,) in rows]


def _row(change: Change) -> tuple[Any, ...]:
    r = change.record
    owner = r["owner"] or {"type": None, "id": None}
    return (
        r["type"],
        r["id"],
        r["name"],
        owner["type"],
        owner["id"],
        r["active"],
        r["deleted"],
        r["merged_into"],
        change.partition,
        change.offset,
    )
