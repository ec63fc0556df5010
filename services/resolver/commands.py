"""What people ask of activities and addresses: commands of the topic ``commands`` that are the resolver's."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import psycopg

from services.contracts.codec import decode
from services.contracts.records import Command
from services.domain.addresses import normalise
from services.domain.directory import RecordRef
from services.domain.errors import UndecodableRecord
from services.domain.identity import canonical_id, keyed_hash
from services.resolver import content_requests, filing_under, mailbox_aliases, resolutions
from services.resolver.settings import Settings
from services.runtime.crash import crash_point
from services.runtime.records import Batch, Input, Output
from services.storage.postgres import Database

TOPIC = "commands"
MESSAGE, ACTIVITY, DELIVERY = "message/", "activity/", "delivery/"

Asked = Callable[[psycopg.Connection[Any], Settings], bool]
"""Carries one command out in a transaction; returns whether something is in the outbox now."""


def carry_out(
    batch: Batch,
    *,
    database: Database,
    settings: Callable[[], Settings],
    hash_key: bytes,
    announced: Callable[[], None] = lambda: None,
) -> list[Output]:
    """
    Carry out a batch of commands, each in a transaction of its own.

    Idempotent: a command that comes again changes nothing. A record that is no command is rejected, its neighbours go
    on. What changes is told through the outbox, at once or by jobs; ``announced`` is called when something is in it.
    """
    changed = False
    for given in batch:
        try:
            asked = _asked(given, hash_key)
        except UndecodableRecord as error:
            batch.reject(given, error.code, str(error))
            continue
        if asked is None:
            continue
        with database.transaction() as connection:
            changed |= asked(connection, settings())
            crash_point("resolver.decided")
    if changed:
        announced()
    return []


def _asked(given: Input, hash_key: bytes) -> Asked | None:
    """Return what is asked, or None when it is not for the resolver."""
    name, record = decode(given.value or b"")
    if name != "Command":
        raise UndecodableRecord(f"{name} is no record of this topic")
    command: Command = record  # type: ignore[assignment]  # the schema has these fields
    if any(isinstance(text, str) and "\0" in text for text in record.values()):
        raise UndecodableRecord("a text of the command holds a NUL")
    read = _READ.get(command["kind"])
    return read(command, hash_key) if read is not None else None


def _about_an_address(command: Command, hash_key: bytes) -> Asked:  # noqa: ARG001 - what all of them are given
    wish = resolutions.Wish(
        command=_uuid(command["id"], "command"),
        kind=command["kind"],
        activity=_uuid(command["object"].removeprefix(ACTIVITY), "activity"),
        address=_address(command),
        record=_record(command) if command["kind"] == "resolve" else None,
        only_this=command["only_this"],
        author=command["author"],
        reason=command["reason"],
        asked=command["time"],
    )
    return lambda connection, settings: resolutions.carry_out_one(connection, wish, settings)


def _about_a_record(command: Command, hash_key: bytes) -> Asked:
    message, activity = _about(command["object"], hash_key)
    wish = filing_under.Wish(
        command=_uuid(command["id"], "command"),
        kind=command["kind"],
        message=message,
        activity=activity,
        record=_record(command),
        author=command["author"],
        reason=command["reason"],
        asked=command["time"],
    )
    return lambda connection, settings: filing_under.carry_out_one(connection, wish, settings)


def _about_content(command: Command, hash_key: bytes) -> Asked:  # noqa: ARG001 - what all of them are given
    delivery = _uuid(command["object"].removeprefix(DELIVERY), "delivery")
    why = (command["reason"] or "unknown") if command["kind"] == content_requests.GONE else ""
    return lambda connection, _: content_requests.answer(connection, delivery, why) and False


def _about(named: str, hash_key: bytes) -> tuple[UUID | None, UUID | None]:
    if named.startswith(ACTIVITY):
        return None, _uuid(named.removeprefix(ACTIVITY), "activity")
    canonical = canonical_id(named.removeprefix(MESSAGE)) if named.startswith(MESSAGE) else None
    if canonical is None:
        raise UndecodableRecord("the command is about neither a message nor an activity")
    return keyed_hash(hash_key, "id", canonical), None


def _record(command: Command) -> RecordRef:
    kind, _, name = command["record"].partition("/")
    if not (kind and name):
        raise UndecodableRecord("the command names no record, as TYPE/ID")
    return RecordRef(kind, name)


def _uuid(text: str, of: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise UndecodableRecord(f"the id of the {of} is no UUID") from error


def _about_an_alias(command: Command, hash_key: bytes) -> Asked:  # noqa: ARG001 - what all of them are given
    saying = mailbox_aliases.Saying(
        command=_uuid(command["id"], "command"),
        answer=mailbox_aliases.ANSWERS[command["kind"]],
        address=_address(command),
        principal=_record(command),
        author=command["author"],
        reason=command["reason"],
        asked=command["time"],
    )
    return lambda connection, settings: mailbox_aliases.carry_out_one(connection, saying, settings.mailbox_owners)


def _address(command: Command) -> str:
    address = normalise(command["address"])
    if not address:
        raise UndecodableRecord("the command names no address")
    return address


_READ: Mapping[str, Callable[[Command, bytes], Asked]] = {
    **dict.fromkeys(resolutions.HOW, _about_an_address),
    **dict.fromkeys(filing_under.KINDS, _about_a_record),
    **dict.fromkeys(mailbox_aliases.ANSWERS, _about_an_alias),
    **dict.fromkeys(content_requests.ANSWERS, _about_content),
}
