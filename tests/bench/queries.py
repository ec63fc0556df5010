"""How long the answers take that people wait for, with much mail and many records stored."""

import random
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import psycopg

from services.domain.directory import RecordRef
from services.storage import postgres
from services.storage.reports import activities, timeline, unresolved
from services.storage.reports.explain import explain
from services.storage.reports.reading import snapshot
from tests.bench import stored
from tests.bench.installation import Installation

TIMES = 200
SHOWN = 50
Question = Callable[[psycopg.Connection[Any]], object]


def measured(world: Installation, mails: int) -> dict[str, Any]:
    """
    Store so many mails, all of one queue and each with two unresolved parties, and ask each question 200 times.

    A connection is kept, as a console would do; each question sees one moment.
    """
    with world.database() as database:
        size = stored.fill(database, mails)
        (parties,) = database.execute("SELECT count(*) FROM resolver.taking_part WHERE type = ''").fetchone() or (0,)
        ids = database.execute("SELECT id_key FROM resolver.message ORDER BY md5(id_key::text) LIMIT %s", (TIMES,))
        questions = _questions([row[0] for row in ids])
    found: dict[str, Any] = {"stored_mails": mails, "unresolved_parties": parties, "database": size}
    with closing(postgres.connect(world.environ["MAILWEAVE_POSTGRES"], "reader")) as reader:
        for name, question in questions.items():
            found[name] = _milliseconds(reader, question)
    return found


def _questions(ids: list[Any]) -> Mapping[str, Question]:
    chance, queue = random.Random(7), RecordRef("queue", "stored")

    return {
        "explain_ms": lambda reader: explain(reader, chance.choice(ids)),
        "unresolved_ms": lambda reader: unresolved.newest(reader, SHOWN),
        "unresolved_address_ms": lambda reader: unresolved.of_address(
            reader, f"from{chance.randrange(5_000)}@bench.example", SHOWN
        ),
        "timeline_ms": lambda reader: list(activities.by_id(reader, timeline.of_record(reader, queue, SHOWN))),
    }


def _milliseconds(reader: psycopg.Connection[Any], question: Question) -> dict[str, float]:
    took = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        with snapshot(reader):
            question(reader)
        took.append((time.perf_counter() - begun) * 1000)
    took.sort()
    places = {"p50": TIMES // 2, "p95": TIMES * 95 // 100, "worst": TIMES - 1}
    return {name: round(took[place], 1) for name, place in places.items()}
