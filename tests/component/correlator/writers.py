"""Writers of the stored graph, in this process or in one that is meant to die, and what they left behind."""

import random
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from services.contracts.codec import decode
from services.correlator.store import GraphStore
from services.domain.sightings import Placed
from services.storage.postgres import Database
from tests.forests import Mail, grouping, random_mails, sighting

ROOT = Path(__file__).parents[3]
TABLES = {"node": "id", "message": "message_key", "edge": "child, target, kind", "merge": "loser", "outbox": "id"}


def store(url: str) -> GraphStore:
    return GraphStore(Database(url, "correlator"), announced=lambda: None)


def batches(mails: Sequence[Mail], seed: int, size: int = 40) -> list[list[Mail]]:
    """Return the mails shuffled and cut into batches."""
    shuffled = list(mails)
    random.Random(seed).shuffle(shuffled)
    return [shuffled[n : n + size] for n in range(0, len(shuffled), size)]


def write(url: str, work: Iterable[Sequence[Mail]]) -> dict[UUID, Placed]:
    graph, placed = store(url), dict[UUID, Placed]()
    for batch in work:
        placed |= graph.place([sighting(mail) for mail in batch])
    return placed


def write_at_once(url: str, work: Sequence[Sequence[Mail]], writers: int) -> None:
    with ThreadPoolExecutor(writers) as pool:
        for done in [pool.submit(write, url, work[n::writers]) for n in range(writers)]:
            done.result()


def doomed(url: str, seed: int, count: int, crash_at: str = "") -> "subprocess.Popen[bytes]":
    """Start a process that writes ``random_mails(seed, count)`` until it dies or is done."""
    return subprocess.Popen([sys.executable, "-m", __name__, url, str(seed), str(count), crash_at], cwd=ROOT)


def dump(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of the graph."""
    with psycopg.connect(url) as connection:
        return {
            table: connection.execute(f"SELECT * FROM correlator.{table} ORDER BY {order}".encode()).fetchall()
            for table, order in TABLES.items()
        }


def groups(url: str) -> frozenset[frozenset[str]]:
    """Return which ids the stored graph holds together, merges followed one by one."""
    rows = dump(url)
    winner: Mapping[int, int] = {loser: winner for loser, winner, *_ in rows["merge"]}
    threads: dict[str, object] = {}
    for _, thread, _, mid in rows["node"]:
        root = thread
        while root in winner:
            root = winner[root]
        threads[mid] = root
    return grouping(threads)


def stored_evidence(placed: Mapping[UUID, Placed]) -> dict[UUID, object]:
    return {message: (one.evidence, one.truncated) for message, one in placed.items()}


def check_books(url: str) -> None:
    """Every merge has exactly one announcement with the same threads, version and cause."""
    rows = dump(url)
    announced = []
    for _, topic, _, value, *_ in rows["outbox"]:
        name, change = decode(bytes(value))
        assert (topic, name) == ("mail-correlated", "ThreadChanged")
        announced.append((change["change"]["loser"], change["change"]["winner"], change["version"], change["cause"]))
    assert sorted(announced) == [(loser, w, version, str(cause)) for loser, w, version, cause in rows["merge"]]
    opened = {thread for _, thread, *_ in rows["node"]} | {row[0] for row in rows["merge"]}
    assert len(rows["merge"]) == len(opened) - len(groups(url))


if __name__ == "__main__":
    from services.runtime import crash

    address, of, how_many, deadly = sys.argv[1:]
    crash.arm(deadly)
    write(address, batches(random_mails(int(of), int(how_many)), seed=int(of), size=20))
