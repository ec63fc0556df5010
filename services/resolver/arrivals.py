"""What comes in on ``mail-correlated``, decoded."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services import contracts
from services.contracts.received import found_of, identity_of, message_of
from services.domain.direction import direction
from services.domain.errors import UndecodableRecord
from services.domain.forwarding import Wrapper
from services.domain.identity import Direction
from services.domain.message import Message


@dataclass(frozen=True, slots=True)
class Pointing:
    """One piece of evidence as the correlator gathered it."""

    kind: str
    cls: str
    position: int
    target: UUID
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """
    One delivery of a message: where it lies, what makes it tracked whatever filters say, and in a forward mailbox the
    mail around it and what that holds.

    ``wrapper_messages`` is None elsewhere; ``wrapper_sha256`` is None when the mail is the message itself.
    """

    delivery_id: UUID
    message_key: UUID
    direction: Direction
    direction_flag: str | None
    source: str
    mailbox: str
    folder: str
    folder_role: str
    uidvalidity: int | None
    uid: int | None
    internal_date: datetime
    blob_sha256: bytes | None
    tracked_by: str = ""
    wrapper_sha256: bytes | None = None
    wrapper_messages: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One message-correlated record: the delivery, the message, and what it points at."""

    delivered: Delivered
    id_key: UUID
    message_id: str
    thread: int
    graph_version: int
    evidence: tuple[Pointing, ...]
    message: Message
    wrapper: Wrapper | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """A thread that is now another one."""

    loser: int
    winner: int
    version: int


@dataclass(frozen=True, slots=True)
class Moved:
    """Messages that are now in another thread."""

    messages: tuple[UUID, ...]
    thread: int
    version: int


@dataclass(frozen=True, slots=True)
class Pair:
    """A message and the id of one that it does, or does not, belong to, as a person says."""

    child: UUID
    target: UUID
    linked: bool
    position: int
    value: str


@dataclass(frozen=True, slots=True)
class Relinked:
    """What a person has said of messages and what they point at."""

    pairs: tuple[Pair, ...]
    version: int
    command: UUID


def read(value: bytes) -> Arrival | Merged | Moved | Relinked:
    """Decode one record of ``mail-correlated``; ``UndecodableRecord`` when it is none."""
    name, record = contracts.decode(value)
    if name == "MessageCorrelated":
        return _arrival(record)
    if name == "ThreadChanged":
        change, version = record["change"], record["version"]
        if "loser" in change:
            return Merged(change["loser"], change["winner"], version)
        return Moved(tuple(UUID(m) for m in change["messages"]), change["thread"], version)
    if name == "Relinked":
        pairs = (Pair(UUID(p["child"]), UUID(p["target"]), *_said(p)) for p in record["pairs"])
        return Relinked(tuple(pairs), record["version"], UUID(record["cause"]))
    raise UndecodableRecord(f"{name} is no record of mail-correlated")


def _said(pair: dict[str, Any]) -> tuple[bool, int, str]:
    return pair["linked"], pair["position"], pair["value"]


def _arrival(record: dict[str, Any]) -> Arrival:
    name, received = contracts.decode(record["received"])
    if name != "MailReceived":
        raise UndecodableRecord(f"message-correlated embeds {name}, not MailReceived")
    message, found = message_of(received), found_of(received)
    way, flag = direction(
        folder_role=found.folder_role,
        mailbox=found.mailbox,
        from_addresses=[m.address for m in message.from_],
        own_authenticated=False,  # a way is fixed as a mail comes; tracking.trustedAuthserv is asked when it is decided
    )
    return Arrival(
        delivered=Delivered(
            delivery_id=found.delivery_id,
            message_key=UUID(record["message_key"]),
            direction=way,
            direction_flag=flag,
            source=found.source,
            mailbox=found.mailbox,
            folder=found.folder,
            folder_role=found.folder_role,
            uidvalidity=found.uidvalidity,
            uid=found.uid,
            internal_date=found.internal_date,
            blob_sha256=bytes.fromhex(found.blob_sha256) or None,
            tracked_by=found.tracked_by,
            wrapper_sha256=bytes.fromhex(found.wrapper.blob_sha256) or None if found.wrapper else None,
            wrapper_messages=found.wrapper.messages if found.wrapper else None,
        ),
        id_key=UUID(record["id_key"]),
        message_id=identity_of(received).message_id,
        thread=record["thread_id"],
        graph_version=record["graph_version"],
        evidence=tuple(
            Pointing(e["kind"], e["cls"], e["position"], UUID(e["target"]), e["value"]) for e in record["evidence"]
        ),
        message=message,
        wrapper=found.wrapper,
    )
