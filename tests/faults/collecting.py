"""Reads what a run has left, past all proxies: PostgreSQL as the reader, each topic from its beginning."""

import hashlib
from collections.abc import Iterator
from typing import Any

from kafka import TopicPartition

from services.contracts.codec import decode
from services.runtime import admin
from services.runtime.config import Config
from tests.e2e import store
from tests.e2e.topics import everything
from tests.faults.cursor_log import MOVES
from tests.faults.history import Place
from tests.faults.judge_streams import INPUTS
from tests.faults.state import Activity, Alert, Decided, Moved, Record, State, Stored, Taken

POISON = "poison"
TOPICS = (
    *INPUTS,
    "activity-events",
    "mail-decided",
    "record-requests",
    "alert-events",
    *(f"{topic}-dead" for topic in INPUTS),
)
PLACE = "mailbox, folder, uidvalidity, uid"


def collect(config: Config, *, quiet: bool) -> State:
    """Return the state as it is now."""

    def rows(query: str) -> list[tuple[Any, ...]]:
        return store.rows(config.postgres, query)

    blob = "coalesce(encode(blob_sha256, 'hex'), '')"
    taken = f"SELECT id::text, {blob}, {PLACE} FROM fetcher.delivery"
    stored = f"SELECT id::text, message_key::text, direction, {blob}, {PLACE} FROM resolver.delivery"
    decided = "SELECT delivery_id::text, version, current, outcome, activity_id::text FROM resolver.decision"
    activities = "SELECT id::text, message_key::text, direction, version FROM resolver.activity"
    key = "object || '|' || code || '|' || direction"
    alerts = f"SELECT id::text, {key}, version, open, open OR resolved_at IS NOT NULL FROM alerter.alert"
    return State(
        quiet=quiet,
        taken=[Taken(delivery, Place(*place), sha) for delivery, sha, *place in rows(taken)],
        stored=[
            Stored(delivery, message, direction, Place(*place), sha)
            for delivery, message, direction, sha, *place in rows(stored)
        ],
        decisions=[Decided(*row) for row in rows(decided)],
        activities=[Activity(*row) for row in rows(activities)],
        parties=rows("SELECT activity_id::text, role, address FROM resolver.party"),
        queue_items=rows("SELECT activity_id::text, queue_id FROM resolver.queue_item"),
        threads=rows("SELECT message_key::text, thread FROM resolver.message_thread"),
        merged=[str(loser) for (loser,) in rows("SELECT loser FROM resolver.thread_merge")],
        dead=[
            row
            for stage in INPUTS.values()
            for row in rows(f'SELECT topic, "partition", "offset" FROM {stage}.dead_letter')
        ],
        alerts=[Alert(*row) for row in rows(alerts)],
        requests=[name for (name,) in rows("SELECT id::text FROM resolver.record_request")],
        moves=[Moved(*row) for row in rows(MOVES)],
        topics={topic: list(_records(config.kafka, topic)) for topic in TOPICS},
        committed=dict(_committed(config.kafka)),
    )


def _committed(kafka: str) -> Iterator[tuple[tuple[str, int], int]]:
    with admin.client(kafka) as client:
        for topic, group in INPUTS.items():
            found: dict[TopicPartition, Any] = client.list_group_offsets(group).get(group, {})
            for place, committed in found.items():
                if place.topic == topic:
                    yield (topic, place.partition), committed.offset


def _records(kafka: str, topic: str) -> Iterator[Record]:
    for one in everything(kafka, topic):
        digest = hashlib.sha256(one.value or b"").hexdigest()[:16]
        if POISON in dict(one.headers):
            yield Record(one.partition, one.offset, "", digest=digest, poison=True)
            continue
        name, value = decode(one.value)
        about, version, more = _told(name, value)
        yield Record(one.partition, one.offset, about, version, more, digest)


def _told(name: str, value: dict[str, Any]) -> tuple[str, int, str]:
    """Return whom a record tells of, the version it tells, and what else counts."""
    match name:
        case "MailReceived":
            return value["delivery_id"], 0, value["blob_sha256"]
        case "MessageCorrelated":
            return value["delivery_id"], 0, ""
        case "ThreadChanged":
            return str(value["change"]["loser"]), 0, ""
        case "ActivityEvent":
            return str(value["activity_id"]), value["version"], ""
        case "MailDecided":
            return str(value["delivery_id"]), value["version"], value["outcome"]
        case "RecordRequest":
            return value["request_id"], 1, ""
        case "AlertSignal":
            return f"{value['object']}|{value['code']}|{value['direction']}", 0, value["state"]
        case "AlertEvent":
            return value["alert_id"], value["version"], ""
        case "DeadLetter":
            return f"{value['topic']}/{value['partition']}/{value['offset']}", 0, ""
    raise AssertionError(f"the judge does not know the record {name}")
