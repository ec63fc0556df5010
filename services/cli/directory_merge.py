"""What the topic is told when two records turn out to be one."""

import json
from collections.abc import Mapping
from typing import Any

from psycopg import Connection

from services.cli import directory_file
from services.domain.errors import Refused
from services.storage.reports import directory


def records_of_merge(connection: Connection[Any], loser: str, survivor: str) -> list[Mapping[str, Any]]:
    """
    Return the survivor with the addresses of both, then the other one, merged into it; both are given as TYPE/ID.

    ``Refused`` where one of them is no record, or they are of two types, or a user or queue.
    """
    kind, name = _parts(loser)
    other, kept = _parts(survivor)
    if kind != other:
        raise Refused(f"{loser} and {survivor} are of two types: only records of one type can be merged")
    try:
        merged = directory_file.checked({"type": kind, "id": name, "merged_into": kept})
    except ValueError as error:
        raise Refused(f"{loser} cannot be merged into {survivor}: {error}") from None
    gone, stays = _found(connection, kind, name), _found(connection, kind, kept)
    return [{**stays, "addresses": sorted({*stays["addresses"], *gone["addresses"]})}, merged]


def _parts(ref: str) -> tuple[str, str]:
    kind, slash, name = ref.partition("/")
    if not (kind and slash and name):
        raise Refused(f"{json.dumps(ref, ensure_ascii=False)} names no record: give TYPE/ID, as in contact/42")
    return kind, name


def _found(connection: Connection[Any], kind: str, name: str) -> Mapping[str, Any]:
    found = directory.record(connection, kind, name)
    if found is None:
        raise Refused(f"the directory has no {kind}/{name}, or it is removed: see that it was taken over")
    return found
