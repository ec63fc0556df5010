"""What happens with a batch of deliveries: each gets its thread and its evidence. Ports come as arguments."""

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from services.contracts.codec import decode, encode
from services.contracts.received import identity_of, message_of
from services.correlator.ports import Graph
from services.correlator.tokens import TokenCheck
from services.domain.errors import UndecodableRecord
from services.domain.gathering import gather_all
from services.domain.identity import keyed_hash
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


def correlate(batch: Batch, *, graph: Graph, hash_key: bytes, token_keys: Keys = NO_KEYS) -> list[Output]:
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
                sighting = _sighting(record, key, tokens)
                taken.append(
                    _Taken(record["internal_date"], record["uid"] or 0, given, record["delivery_id"], sighting)
                )
    if not taken:
        return []
    with metrics.step("correlator", "graph"):
        placed = graph.place([one.sighting for one in taken])
    crash_point("correlator.committed")
    taken.sort(key=attrgetter("date", "uid"))
    results = [_output(one.given, one.delivery, placed[one.sighting.message]) for one in taken]
    return [*results, *tokens.alerts()]


def _received(given: Input) -> dict[str, Any]:
    if given.value is None:
        raise UndecodableRecord("a record without a value")
    name, record = decode(given.value)
    if name != "MailReceived":
        raise UndecodableRecord(f"{name} is no record of this topic")
    return record


def _sighting(record: dict[str, Any], key: Callable[[str, str], UUID], tokens: TokenCheck) -> Sighting:
    identity = identity_of(record)
    own = identity.message_id
    message = message_of(record)
    gathered = gather_all(
        own,
        message,
        mailbox=record["mailbox"],
        folder_role=record["folder_role"],
        key=key,
        own_tokens=tokens.evidence(record, message),
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
