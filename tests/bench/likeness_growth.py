"""``make bench-likeness``: the likeness index in Redis with few and with many mails, asked in turn."""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import redis

from services.cli import stack
from services.correlator.likeness_index import COUNTS, WHOLE, LikenessIndex
from services.domain.likeness.finding import Shown, find
from services.domain.likeness.hashing import hasher
from services.domain.likeness.index import Kept, Looked, Question
from services.domain.likeness.keys import Key
from services.domain.likeness.memory_index import MemoryIndex
from tests.bench.accounting import Meter
from tests.bench.correlation_corpora import POOL, UNSEEN, blinded, folder, module, sources
from tests.bench.correlation_runs import placed

HASHED = hasher(b"bench")
SMALL, BATCH, ROUNDS = 10_000, 150, 5
COPIES = {"10,000": 1, "1,000,000": 100}
FULL = "170,000, every key full"
"""The worst case: seventeen mails for each one, all under its keys, so that each list is cut at its bound."""


class Recorded:
    """A memory index that keeps what it is asked and told."""

    def __init__(self) -> None:
        self._index = MemoryIndex()
        self.asked: list[Question] = []
        self.kept: list[Kept] = []

    def look_up(self, question: Question) -> Looked:
        self.asked.append(question)
        return self._index.look_up(question)

    def keep(self, mails: Sequence[Kept]) -> None:
        self.kept += mails
        self._index.keep(mails)


def main() -> None:
    """Fill the servers, ask each the same, print what it takes."""
    corpora = folder()
    if corpora is None:
        sys.stdout.write(f"{UNSEEN}\n")
        return
    rows = dict(sources(corpora))[POOL]
    scorer = module(corpora, "score_threads")
    kept, asked = _recorded([blinded(row, scorer) for row in rows])
    with tempfile.TemporaryDirectory(prefix="mailweave-bench-") as name, ExitStack() as running:
        servers: dict[str, tuple[redis.Redis, int]] = {}
        for label, copies in (*COPIES.items(), (FULL, 17)):
            servers[label] = running.enter_context(_valkey(Path(name, str(len(servers)))))
            _fill(LikenessIndex(servers[label][0]), kept, copies, other=label != FULL)
        sys.stdout.write(json.dumps(_measured(servers, asked), indent=2) + "\n")


def _recorded(rows: Sequence[dict[str, Any]]) -> tuple[list[Kept], list[Question]]:
    """Return what is stored of the first mails by date, and what the next ones ask."""
    placing = placed(rows)
    ordered = sorted(placing.arrivals, key=lambda a: a.message.date or a.delivered.internal_date)
    recorded = Recorded()
    for start in range(0, 2 * SMALL, BATCH):
        some = ordered[start : start + BATCH]
        find([Shown(a.id_key, a.message, a.delivered.internal_date, 0, ()) for a in some], recorded, HASHED)
    return recorded.kept[:SMALL], [q for q in recorded.asked[-(SMALL // BATCH) :] if q.keys]


@contextmanager
def _valkey(home: Path) -> Iterator[tuple[redis.Redis, int]]:
    """Give a client of a server that holds an empty index, and its process id."""
    found = stack.up(home, environ={}, only=["valkey"])
    try:
        client = redis.Redis.from_url(found.variables["MAILWEAVE_REDIS"])
        client.hset(COUNTS, WHOLE, 1)
        pid = json.loads((home / "stack.json").read_text())["processes"]["valkey"]["pid"]
        yield client, pid
    finally:
        stack.down(home)


def _fill(index: LikenessIndex, kept: Sequence[Kept], copies: int, *, other: bool) -> None:
    for number in range(copies):
        mask = number * 0x9E3779B97F4A7C15 & (1 << 64) - 1 if other else 0
        for start in range(0, len(kept), 1_000):
            index.keep([_copy(one, number, mask) for one in kept[start : start + 1_000]])


def _copy(mail: Kept, number: int, mask: int) -> Kept:
    """Return the mail as one of another organisation, whose hashes have another key; with no mask of the same one."""
    entry, short = mail.entry, mask & 0xFFFFFFFF
    message = UUID(int=entry.message.int ^ (number * 0x9E3779B97F4A7C15F39CC0605CEDC835 & (1 << 128) - 1))
    other = replace(
        entry,
        message=message,
        subject=entry.subject ^ mask,
        sender=tuple(one ^ short for one in entry.sender),
        people=tuple(one ^ short for one in entry.people),
    )
    keys = tuple(Key(k.kind, k.what ^ (short if k.kind == "m" else mask), k.when) for k in mail.keys)
    return Kept(other, keys, mail.stream ^ mask, mail.habit)


def _measured(servers: dict[str, tuple[redis.Redis, int]], asked: Sequence[Question]) -> dict[str, Any]:
    seconds: dict[str, list[tuple[float, float]]] = {label: [] for label in servers}
    answers: dict[str, int] = {}
    for number in range(ROUNDS):
        for label in list(servers)[:: 1 if number % 2 == 0 else -1]:
            client, pid = servers[label]
            index = LikenessIndex(client)
            roots = {"valkey": pid}
            meter = Meter(partial(dict, roots))
            with meter.running():
                began = time.process_time()
                found = [index.look_up(question) for question in asked for _ in range(3)]
                own = time.process_time() - began
            seconds[label].append((own, sum(meter.cpu["valkey"])))
            answers[label] = sum(len(one.by_key) for one in found)
    mails = 3 * len(asked) * BATCH
    result: dict[str, Any] = {"mails_asked_for": mails, "keys_found": answers}
    for label, (client, _) in servers.items():
        memory: dict[str, Any] = client.info("memory")
        result[label] = {
            "bytes_per_mail": round(memory["used_memory"] / _mails(client)),
            "client_microseconds": round(statistics.median(own for own, _ in seconds[label]) / mails * 1e6, 1),
            "valkey_microseconds": round(statistics.median(theirs for _, theirs in seconds[label]) / mails * 1e6, 1),
        }
    return result


def _mails(client: redis.Redis) -> int:
    """Count the mails of an index."""
    return sum(1 for _ in client.scan_iter(b"mwe*", count=10_000))


if __name__ == "__main__":
    main()
