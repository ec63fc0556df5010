"""What people ask of conversations: commands of the topic ``commands`` that are the correlator's to carry out."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.contracts.codec import decode
from services.correlator.repair import KINDS, Wish, carry_out_one
from services.domain.errors import UndecodableRecord
from services.domain.identity import canonical_id, keyed_hash
from services.runtime.crash import crash_point
from services.runtime.records import Batch, Input, Output
from services.storage.postgres import Database

TOPIC = "commands"
MESSAGE = "message/"


class _Named(NamedTuple):
    kind: str
    wish: Wish


def carry_out(batch: Batch, *, database: Database, hash_key: bytes, announced: Callable[[], None]) -> list[Output]:
    """
    Carry out a batch of commands, each in a transaction of its own.

    Idempotent: a command that comes again changes nothing. A record that is no command is rejected, its neighbours go
    on. What changes is told through the outbox; ``announced`` is called when something is in it.
    """
    changed = False
    for given in batch:
        try:
            named = _wish(given, hash_key)
        except UndecodableRecord as error:
            batch.reject(given, error.code, str(error))
            continue
        if named is None:
            continue
        with database.transaction() as connection:
            changed |= carry_out_one(connection, named.kind, named.wish)
            crash_point("correlator.graph_written")
        crash_point("correlator.committed")
    if changed:
        announced()
    return []


def _wish(given: Input, hash_key: bytes) -> _Named | None:
    """Return what is asked, or None when it is not for the correlator."""
    name, record = decode(given.value or b"")
    if name != "Command":
        raise UndecodableRecord(f"{name} is no record of this topic")
    if record["kind"] not in KINDS:
        return None

    def key(text: str) -> UUID:
        canonical = canonical_id(text)
        if canonical is None:
            raise UndecodableRecord("the command names no Message-ID where one is needed")
        return keyed_hash(hash_key, "id", canonical)

    needs = KINDS[record["kind"]]
    try:
        command = UUID(record["id"])
    except ValueError as error:
        raise UndecodableRecord("the id of the command is no UUID") from error
    asked: datetime = record["time"]
    ids = {needed: key(record[needed]) for needed in needs}
    wish = Wish(
        command=command,
        child=key(record["object"].removeprefix(MESSAGE)),
        target=ids.get("target"),
        onto=ids.get("onto"),
        onto_mid=canonical_id(record[needs[-1]]) or "" if needs else "",
        author=record["author"],
        reason=record["reason"],
        asked=asked,
    )
    return _Named(record["kind"], wish)
