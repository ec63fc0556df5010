"""The directory: how long a million records take, when a change acts, and how fast a late record finds old mail."""

import argparse
import json
import mailbox
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.contracts.codec import encode
from services.runtime.producer import Producer
from services.storage.outbox import OutboxRow
from tests.bench import queries
from tests.bench.accounting import Meter
from tests.bench.installation import Installation

QUEUE = "desk@bench.example"
USER = "ada@bench.example"
TYPES = ("contact", "contact", "contact", "contact", "account", "lead", "equipment", "team", "business-unit", "asset")
SHARES = {"one": 10, "hundred": 100, "thousand": 1_000, "tenth": 10_000}
"""Senders of the stored mails by name, and how many mails each has written; the others have written ten each."""
_REACHED = 'SELECT "partition", "offset" FROM resolver.directory_progress'
_WAITING = (
    "SELECT (SELECT count(*) FROM resolver.gained_address) + (SELECT count(*) FROM resolver.job)"
    " + (SELECT count(*) FROM resolver.outbox)"
)
_RESOLVED = "SELECT count(*) FROM resolver.party WHERE address = %s AND records <> '[]'"
_ACCEPTED = "SELECT count(*) FROM resolver.decision WHERE current AND outcome = 'accepted'"


def _record(number: int) -> dict[str, Any]:
    addresses = [f"Person.{number}@Company-{number % 50_000}.example"]
    if number % 5 == 0:
        addresses.append(f"p{number}+work@bücher-{number % 1_000}.example")
    owner = {"type": "queue", "id": QUEUE}
    kind = TYPES[number % len(TYPES)]
    return {"type": kind, "id": f"id-{number}", "name": f"Person {number}", "addresses": addresses, "owner": owner}


def loaded(world: Installation, count: int) -> dict[str, Any]:
    """Load so many records by the command line; return the time until the resolver has taken over the last one."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps(_record(number)) + "\n" for number in range(count))
        file.flush()
        meter = Meter(world.roots)
        with meter.running(every=1):
            begun = time.monotonic()
            world.mailweave("directory", "apply", file.name, "--no-wait")
            published = time.monotonic() - begun
            world.mailweave("directory", "apply", _one(world.home), "--timeout", "3600")
            seconds = time.monotonic() - begun
    cpu = {name: round(user + system, 1) for name, (user, system) in sorted(meter.cpu.items())}
    return {
        "records": count,
        "published_seconds": round(published),
        "seconds": round(seconds),
        "records_per_second": round(count / seconds),
        "cpu_seconds": {name: spent for name, spent in cpu.items() if spent >= 1},
        "peak_megabytes": {name: round(most / 1e6) for name, most in sorted(meter.peak.items()) if "resolver" in name},
    }


def _one(home: Path) -> Path:
    file = home / "one.jsonl"
    file.write_text(json.dumps({"type": "contact", "id": "last", "name": "", "addresses": []}) + "\n")
    return file


def acting(world: Installation, times: int = 20) -> dict[str, Any]:
    """Return the seconds from the push of a change to the moment at which decisions see it."""
    took = []
    with world.database() as connection:
        for number in range(times):
            begun = time.monotonic()
            _push(world, "contact", f"change-{number}", f"change-{number}@bench.example")
            query = "SELECT count(*) FROM resolver.directory_address WHERE address = %s"
            while connection.execute(query, (f"change-{number}@bench.example",)).fetchone() == (0,):
                time.sleep(0.005)
            took.append(time.monotonic() - begun)
    took.sort()
    return {"changes": times, "median_seconds": round(took[times // 2], 3), "most_seconds": round(took[-1], 3)}


def _push(world: Installation, kind: str, name: str, address: str) -> None:
    record = {"type": kind, "id": name, "name": name, "addresses": [address], "owner": None, "active": True}
    producer = Producer(world.environ["MAILWEAVE_KAFKA"], "bench")
    try:
        value = encode("DirectoryRecord", record | {"deleted": False, "merged_into": None})
        producer.send_all([OutboxRow("directory", f"{kind}/{name}".encode(), value, {})])
    finally:
        producer.close()


def _mails(count: int) -> Iterator[tuple[str, bytes]]:
    """Yield mails of strangers for the queue, and every tenth for the user, who takes mail of known records only."""
    senders = [name for name, share in SHARES.items() for _ in range(share)]
    for number in range(count):
        sender = senders[number] if number < len(senders) else f"stranger-{number // 10}"
        to = USER if number % 10 == 0 else QUEUE
        text = (
            f"Message-ID: <late-{number}@bench.example>\nFrom: <{sender}@elsewhere.example>\nTo: <{to}>\n"
            f"Subject: Question {number}\nDate: Tue, 24 Nov 2026 10:{number // 60 % 60:02}:{number % 60:02} +0000\n\n"
            f"Question {number}, asked by {sender}.\n"
        )
        yield to, text.encode()


def stored(world: Installation, count: int) -> None:
    """Store mails by the import: nine tenths are activities with an unresolved sender, the others are refused."""
    address_of = {QUEUE: "queue", USER: "user"}
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        for address, kind in address_of.items():
            record = {"type": kind, "id": address, "name": address, "addresses": [address]}
            file.write(json.dumps(record) + "\n")
        file.flush()
        world.mailweave("directory", "apply", file.name)
    world.mailweave("settings", "set", f"principal/user:{USER}", "filter=3")
    boxes = {address: mailbox.mbox(world.home / f"{kind}.mbox") for address, kind in address_of.items()}
    for to, raw in _mails(count):
        boxes[to].add(raw)
    for address, kind in address_of.items():
        boxes[address].close()
        world.mailweave("import", world.home / f"{kind}.mbox", "--mailbox", address)
    with world.database() as connection:
        _until_quiet(connection, seconds=3600)


def late(world: Installation) -> Iterator[dict[str, Any]]:
    """Push the record of one sender after the other; yield the seconds until its last event had gone to Kafka."""
    with world.database() as connection:
        for sender, mails in SHARES.items():
            (before,) = connection.execute(_ACCEPTED).fetchone() or (0,)
            begun = time.monotonic()
            _push(world, "contact", sender, f"{sender}@elsewhere.example")
            while not connection.execute("SELECT 1 FROM resolver.directory_record WHERE id = %s", (sender,)).fetchone():
                time.sleep(0.005)
            _until_quiet(connection, seconds=3600)
            seconds = time.monotonic() - begun
            (resolved,) = connection.execute(_RESOLVED, (f"{sender}@elsewhere.example",)).fetchone() or (0,)
            (after,) = connection.execute(_ACCEPTED).fetchone() or (0,)
            yield {
                "mails": mails,
                "seconds": round(seconds, 2),
                "parties_resolved": resolved,
                "accepted_late": after - before,
            }


def _until_quiet(connection: Any, *, seconds: float) -> None:
    end = time.monotonic() + seconds
    while connection.execute(_WAITING).fetchone() != (0,):
        if time.monotonic() > end:
            raise SystemExit(f"bench: after {seconds:.0f} s there is still something on its way")
        time.sleep(0.02)


def main() -> None:
    """Run the measurements on servers of their own."""
    parser = argparse.ArgumentParser(prog="make bench-directory", description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000, help="directory records to load")
    parser.add_argument("--mails", type=int, default=100_000, help="mails that are stored before the late records come")
    parser.add_argument("--queries", action="store_true", help="instead: how long answers take with these stored")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mailweave-bench-") as folder:
        world = Installation(Path(folder))
        with world.running():
            if given.mails and not given.queries:
                stored(world, given.mails)
            for one in _figures(world, given):
                sys.stdout.write(json.dumps(one) + "\n")
                sys.stdout.flush()


def _figures(world: Installation, given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    yield loaded(world, given.records)
    if given.queries:
        yield queries.measured(world, given.mails)
        return
    yield acting(world)
    if given.mails:
        yield from late(world)


if __name__ == "__main__":
    main()
