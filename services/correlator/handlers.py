"""What happens with a batch of deliveries: each gets its thread and its evidence. Ports come as arguments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from services.contracts.codec import decode, encode
from services.contracts.received import identity_of, message_of
from services.correlator.ports import Graph, Likeness
from services.correlator.tokens import TokenCheck
from services.domain.errors import UndecodableRecord
from services.domain.evidence import POINTS_AT_IDS
from services.domain.gathering import gather_all
from services.domain.identity import keyed_hash
from services.domain.likeness.finding import Shown
from services.domain.message import Message
from services.domain.own_token import Keys
from services.domain.sightings import Placed, Sighting
from services.runtime import metrics
from services.runtime.crash import crash_point
from services.runtime.records import Batch, Input, Output

CORRELATED = "mail-correlated"
NO_KEYS = Keys("", ())


class _Taken(NamedTuple):
    date: datetime
    uid: int
    given: Input
    delivery: str
    sighting: Sighting
    mail: Message


def correlate(
    batch: Batch, *, graph: Graph, hash_key: bytes, token_keys: Keys = NO_KEYS, likeness: Likeness | None = None
) -> list[Output]:
    """
    Return one message-correlated record per delivery, by internal date: so an answer seldom goes before its parent.

    All deliveries of a batch are stored in one transaction before this returns, so that a crash can only
    repeat records. Deliveries of messages that are stored already get the stored result. A record that is no
    mail-received is rejected, its neighbours go on. Mails with forged tokens are signalled besides.
    """
    keys: dict[tuple[str, str], UUID] = {}

    def key(what: str, text: str) -> UUID:
        if (what, text) not in keys:
            keys[what, text] = keyed_hash(hash_key, what, text)
        return keys[what, text]

    tokens = TokenCheck(token_keys)
    taken: list[_Taken] = []
    with metrics.step("correlator", "decode"):
        for given in batch:
            try:
                record = _received(given)
            except UndecodableRecord as error:
                batch.reject(given, error.code, str(error))
            else:
                mail = message_of(record)
                sighting = _sighting(record, mail, key, tokens)
                taken.append(
                    _Taken(record["internal_date"], record["uid"] or 0, given, record["delivery_id"], sighting, mail)
                )
    if not taken:
        return []
    with metrics.step("correlator", "graph"):
        placed = graph.place([one.sighting for one in taken])
    crash_point("correlator.committed")
    taken.sort(key=attrgetter("date", "uid"))
    if likeness is not None:
        with metrics.step("correlator", "likeness"):
            placed = _likened(taken, placed, likeness)
    results = [_output(one.given, one.delivery, placed[one.sighting.message]) for one in taken]
    return [*results, *tokens.alerts()]


def _likened(taken: Sequence[_Taken], placed: Mapping[UUID, Placed], likeness: Likeness) -> Mapping[UUID, Placed]:
    """Return the results with what likeness adds to them."""
    mails = {
        one.sighting.message: Shown(
            message=one.sighting.own,
            mail=one.mail,
            received=one.date,
            thread=placed[one.sighting.message].thread,
            answers=tuple(e.target for e in placed[one.sighting.message].evidence if e.kind in POINTS_AT_IDS),
        )
        for one in taken
    }
    found = likeness.evidence(mails)
    return {
        key: replace(now, evidence=(*now.evidence, found[key])) if key in found else now for key, now in placed.items()
    }


def _received(given: Input) -> dict[str, Any]:
    if given.value is None:
        raise UndecodableRecord("a record without a value")
    name, record = decode(given.value)
    if name != "MailReceived":
        raise UndecodableRecord(f"{name} is no record of this topic")
    return record


def _sighting(record: dict[str, Any], mail: Message, key: Callable[[str, str], UUID], tokens: TokenCheck) -> Sighting:
    identity = identity_of(record)
    own = identity.message_id
    gathered = gather_all(
        own,
        mail,
        mailbox=record["mailbox"],
        folder_role=record["folder_role"],
        key=key,
        own_tokens=tokens.evidence(record, mail),
    )
    return Sighting(key("message", str(identity)), key("id", own), own, gathered.evidence, gathered.truncated)


def _output(given: Input, delivery_id: str, placed: Placed) -> Output:
    value = encode(
        "MessageCorrelated",
        {
            "delivery_id": delivery_id,
            "message_key": str(placed.message),
            "id_key": str(placed.own),
            "thread_id": placed.thread,
            "graph_version": placed.version,
            "evidence": [
                {
                    "kind": one.kind,
                    "cls": one.strength,
                    "position": one.position,
                    "target": str(one.target),
                    "value": one.value,
                }
                for one in placed.evidence
            ],
            "truncated": placed.truncated,
            "received": given.value,
        },
    )
    return Output(CORRELATED, str(placed.thread).encode(), value, given.headers)
