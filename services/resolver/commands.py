"""What people ask of activities: commands of the topic ``commands`` that are the resolver's to carry out."""

from collections.abc import Callable
from uuid import UUID

from services.contracts.codec import decode
from services.domain.addresses import normalise
from services.domain.directory import RecordRef
from services.domain.errors import UndecodableRecord
from services.resolver import resolutions
from services.resolver.filing import Settings
from services.resolver.resolutions import HOW, Wish
from services.runtime.records import Batch, Input, Output
from services.storage.postgres import Database

TOPIC = "commands"
ACTIVITY = "activity/"


def carry_out(batch: Batch, *, database: Database, settings: Callable[[], Settings]) -> list[Output]:
    """
    Carry out a batch of commands, each in a transaction of its own.

    Idempotent: a command that comes again changes nothing. A record that is no command is rejected, its neighbours go
    on. What it changes follows by jobs.
    """
    for given in batch:
        try:
            wish = _wish(given)
        except UndecodableRecord as error:
            batch.reject(given, error.code, str(error))
            continue
        if wish is None:
            continue
        with database.transaction() as connection:
            resolutions.carry_out_one(connection, wish, settings())
    return []


def _wish(given: Input) -> Wish | None:
    """Return what is asked, or None when it is not for the resolver."""
    name, record = decode(given.value or b"")
    if name != "Command":
        raise UndecodableRecord(f"{name} is no record of this topic")
    if record["kind"] not in HOW:
        return None
    kind, _, ref = record["record"].partition("/")
    if record["kind"] == "resolve" and not (kind and ref):
        raise UndecodableRecord("the command names no record, as TYPE/ID")
    if not record["address"]:
        raise UndecodableRecord("the command names no address")
    try:
        command, activity = UUID(record["id"]), UUID(record["object"].removeprefix(ACTIVITY))
    except ValueError as error:
        raise UndecodableRecord("the id of the command, or of the activity, is no UUID") from error
    return Wish(
        command=command,
        kind=record["kind"],
        activity=activity,
        address=normalise(record["address"]),
        record=RecordRef(kind, ref) if record["kind"] == "resolve" else None,
        only_this=record["only_this"],
        author=record["author"],
        reason=record["reason"],
        asked=record["time"],
    )
