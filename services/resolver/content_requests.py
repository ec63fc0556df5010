"""Raw mails that are gone and needed again: the fetcher is asked for them, and their decisions wait for the answer."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg

from services.contracts.codec import encode
from services.resolver.arrivals import Delivered
from services.storage import outbox
from services.storage.outbox import OutboxRow

Connection = psycopg.Connection[Any]

FETCH, STORED, GONE = "fetch-again", "content-stored", "content-gone"
ANSWERS = (STORED, GONE)
MOST_TIMES = 3
WAIT_MINUTES = 15
UNANSWERED = f"nobody has fetched it within {WAIT_MINUTES} minutes"

# A server that could not be read, or a mail that was moved, may be there again another day.
_KNOWN = """
SELECT delivery_id, times, answered IS NULL, why FROM resolver.content_request
WHERE delivery_id = ANY(%b) AND (answered IS NULL OR answered > now() - interval '1 day')"""
_ASK = """
INSERT INTO resolver.content_request AS r (delivery_id, message_key, cause, redecision) VALUES (%s, %s, %s, %s)
ON CONFLICT (delivery_id) DO UPDATE
SET times = CASE WHEN r.answered > now() - interval '1 day' THEN r.times + 1 ELSE 1 END, asked = now(),
    answered = NULL, cause = excluded.cause, redecision = excluded.redecision"""
_ANSWER = """
WITH closed AS (
    UPDATE resolver.content_request SET answered = now(), why = %(why)s
    WHERE (delivery_id = %(delivery)s AND (answered IS NULL OR why = %(unanswered)s))
        OR (answered IS NULL AND asked < %(before)s)
    RETURNING message_key, cause, redecision
)
INSERT INTO resolver.job (targets, messages, cause, redecision)
SELECT '{}', array_agg(message_key), cause, redecision FROM closed GROUP BY cause, redecision RETURNING id"""


def ask(
    connection: Connection, without: Sequence[Delivered], *, cause: str, redecision: UUID | None = None
) -> list[Delivered]:
    """
    Ask for the raw mails of these deliveries, and return those whose raw mail is not to be had.

    The others stay undecided until the answer: it leaves a job of this cause. A raw mail lies in several places where
    it has several deliveries: one after the other is asked for, each a few times at most.
    """
    if not without:
        return []
    rows = connection.execute(_KNOWN, ([one.delivery_id for one in without],)).fetchall()
    known = {delivery: (times, waiting, why) for delivery, times, waiting, why in rows}
    lost: list[Delivered] = []
    same: dict[object, list[Delivered]] = defaultdict(list)
    for one in without:
        same[one.blob_sha256, one.wrapper_sha256].append(one)
    for group in same.values():
        placed = sorted((one for one in group if _is_placed(one)), key=lambda one: one.delivery_id)
        if any(one.delivery_id in known and known[one.delivery_id][1] for one in placed):
            continue
        chosen = next((one for one in placed if _may_ask(known.get(one.delivery_id))), None)
        if chosen is None:
            lost += group
            continue
        connection.execute(_ASK, (chosen.delivery_id, chosen.message_key, cause, redecision))
        outbox.append(connection, "resolver", [_command(chosen.delivery_id)])
    return lost


def answer(connection: Connection, delivery: UUID, why: str) -> bool:
    """
    Note that a raw mail was stored again, or ``why`` not, and leave a job; return whether any was awaited.

    An answer that comes when it was given up already counts: a fetcher that was away for long has it stored then.
    """
    given = {"delivery": delivery, "why": why, "before": None, "unanswered": UNANSWERED}
    return connection.execute(_ANSWER, given).fetchone() is not None


def give_up(connection: Connection) -> bool:
    """Take for gone what nobody has answered in time; return whether there was any."""
    before = datetime.now(UTC) - timedelta(minutes=WAIT_MINUTES)
    given = {"delivery": None, "why": UNANSWERED, "before": before, "unanswered": UNANSWERED}
    return connection.execute(_ANSWER, given).fetchone() is not None


def _is_placed(one: Delivered) -> bool:
    return one.source == "imap" and one.uid is not None and one.blob_sha256 is not None


def _may_ask(known: tuple[int, bool, str] | None) -> bool:
    """Whether it was not asked for within a day, or was stored again and is gone once more."""
    return known is None or (known[2] == "" and known[0] < MOST_TIMES)


def _command(delivery: UUID) -> OutboxRow:
    about = f"delivery/{delivery}"
    value = {
        "id": str(uuid4()), "kind": FETCH, "object": about, "author": "resolver", "time": datetime.now(UTC),
        "reason": "it is decided again", "target": "", "onto": "", "address": "", "record": "", "only_this": False,
    }  # fmt: skip
    return OutboxRow("commands", about.encode(), encode("Command", value), {})
