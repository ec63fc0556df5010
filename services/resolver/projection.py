"""The directory, projected from its topic: identity and addresses of users, queues, contacts, accounts, leads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from services import contracts
from services.domain.addresses import normalise
from services.domain.errors import UndecodableRecord
from services.storage.copying import upsert


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
        }
        return Change(partition, offset, gone)
    name, record = contracts.decode(value)
    if name != "DirectoryRecord":
        raise UndecodableRecord(f"{name} is no record of directory")
    return Change(partition, offset, record)


def apply(connection: psycopg.Connection[Any], changes: Sequence[Change]) -> None:
    """
    Apply changes; of one record the latest counts, and one that is older than what is stored changes nothing.

    The positions reached are kept in the same transaction, so that everybody can tell when a pushed record acts.
    """
    latest: dict[tuple[str, str], Change] = {}
    for change in sorted(changes, key=lambda c: (c.partition, c.offset)):
        latest[change.record["type"], change.record["id"]] = change
    written = upsert(
        connection,
        "resolver.directory_record",
        ("type", "id", "name", "owner_type", "owner_id", "active", "deleted", "partition", "offset"),
        [_row(change) for change in latest.values()],
        key=("type", "id"),
        conflict=(
            "DO UPDATE SET name = excluded.name, owner_type = excluded.owner_type, owner_id = excluded.owner_id,"
            " active = excluded.active, deleted = excluded.deleted, partition = excluded.partition,"
            ' "offset" = excluded."offset" WHERE excluded."offset" > directory_record."offset"'
        ),
        returning=("type", "id"),
    )
    connection.execute(
        "DELETE FROM resolver.directory_address a USING unnest(%s::text[], %s::text[]) AS w(type, id)"
        " WHERE a.type = w.type AND a.id = w.id",
        ([kind for kind, _ in written], [name for _, name in written]),
    )
    addresses = {
        (normalise(address), kind, name)
        for kind, name in written
        for address in latest[kind, name].record["addresses"]
        if normalise(address)
    }
    upsert(
        connection,
        "resolver.directory_address",
        ("address", "type", "id"),
        addresses,
        key=("address", "type", "id"),
    )
    reached = {change.partition: change.offset + 1 for change in sorted(changes, key=lambda c: c.offset)}
    upsert(
        connection,
        "resolver.directory_progress",
        ("partition", "offset"),
        list(reached.items()),
        key=("partition",),
        conflict='DO UPDATE SET "offset" = greatest(directory_progress."offset", excluded."offset")',
    )


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
        change.partition,
        change.offset,
    )
