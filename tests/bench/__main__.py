"""``python -m tests.bench``: from mails on an IMAP server to persisted activities, everything counted."""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench import directory, mailset, many, peer, settings_changes, stored, trickle
from tests.bench.accounting import Meter
from tests.bench.installation import Installation, figures

MEASURED, WARM, TOUCH, TRICKLE, LOAD = (f"{use}@crm.example" for use in ("run", "warm", "touch", "trickle", "load"))
IN_TURN = [f"turn{number}@crm.example" for number in range(3)]
BOXES = [MEASURED, WARM, TOUCH, TRICKLE, LOAD, *IN_TURN]
SECONDS_PER_MAIL = 0.2  # a run that is slower than this is stuck


def main() -> None:
    """Do what the arguments say and print the figures as JSON."""
    given = _arguments()
    if given.many or given.idle or given.settings:
        _print(_many(given), given.json)
        return
    with tempfile.TemporaryDirectory(prefix="mailweave-bench-") as name:
        folder = Path(name)
        source = mailset.make(folder / "set", given.mails)
        mails = mailset.read(folder / "set")
        result: dict[str, Any] = {"mails": given.mails, "set": source, "mean_bytes": sum(map(len, mails)) // len(mails)}
        world = Installation(folder / "home")
        with world.running(given.replicas):
            world.directory(BOXES)
            if given.warm:
                _run(world, mails[: given.warm], WARM)
            result["run"] = _run(world, mails, MEASURED)
            if given.trickle:
                world.append(TRICKLE, [])
                world.watch(TRICKLE)
                result["trickle_seconds"] = {"idle": trickle.measure(world, TRICKLE, given.trickle)}
                world.poll_only()
                result["trickle_seconds"]["polling"] = trickle.measure(world, TRICKLE, given.trickle)
            if given.vs:
                result[given.vs] = peer.measure(world, folder, mails)
                ours, theirs = result["run"], result[given.vs]
                result["times_as_fast"] = round(ours["mails_per_second"] / theirs["mails_per_second"], 1)
                result["times_less_cpu"] = round(theirs["cpu_per_1000_all"] / ours["cpu_per_1000_all"], 1)
            if given.stored or given.records:
                result["stored"] = _stored(world, Installation(folder / "stored"), mails, given)
            if given.hours:
                result["steady"] = _steady(world, mails, LOAD, given.hours, given.rate)
    _print(result, given.json)


def _print(result: dict[str, Any], file: Path | None) -> None:
    text = json.dumps(result, indent=2) + "\n"
    sys.stdout.write(text)
    if file:
        file.write_text(text)


def _many(given: argparse.Namespace) -> dict[str, Any]:
    """Measure mailboxes that are polled, mailboxes that idle, and settings, each in an installation of its own."""
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="mailweave-bench-") as name:
        if given.many:
            world = Installation(Path(name, "polled"))
            with world.running():
                result["polled"] = many.polled(world, given.many, given.poll, given.minutes)
        if given.idle:
            world = Installation(Path(name, "idle"))
            with world.running():
                result["idle"] = many.idled(world, given.idle, given.minutes)
        if given.settings:
            world = Installation(Path(name, "settings"))
            with world.running(given.replicas):
                result["settings_seconds"] = settings_changes.measure(world, given.settings)
    return result


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--mails", type=int, default=5000, help="how many mails a run has")
    parser.add_argument("--warm", type=int, default=2000, help="mails that go through before anything is measured")
    parser.add_argument("--stored", type=int, default=0, help="measure beside it with so many mails stored")
    parser.add_argument("--records", type=int, default=0, help="the same with so many records in the directory")
    parser.add_argument("--vs", choices=["django-mailbox"], help="also run this system on the same mails")
    parser.add_argument("--trickle", type=int, default=60, help="mails of the quiet trickle, with IDLE and without")
    parser.add_argument("--many", type=int, default=0, help="instead: poll so many empty mailboxes")
    parser.add_argument("--poll", type=int, default=300, help="seconds between two looks at each of them")
    parser.add_argument("--idle", type=int, default=0, help="instead: have so many empty mailboxes idle")
    parser.add_argument("--settings", type=int, default=0, help="instead: change a setting so often")
    parser.add_argument("--minutes", type=float, default=6, help="how long these are measured")
    parser.add_argument("--hours", type=float, default=0, help="steady load for so long, for the memory")
    parser.add_argument("--rate", type=float, default=20, help="mails per second of the steady load")
    parser.add_argument("--replicas", action="append", default=[], metavar="SERVICE=N")
    parser.add_argument("--json", type=Path, help="also write the figures into this file")
    return parser.parse_args()


def _run(world: Installation, mails: list[bytes], address: str) -> dict[str, Any]:
    """Fill a mailbox, then read it: from the moment it may be read to the last decision and the last event sent."""
    world.append(address, [mailset.fresh(mail, address.partition("@")[0], address) for mail in mails])
    time.sleep(1)  # what has put the mails there ends, and its time is not this run's
    meter = Meter(world.roots)
    with meter.running():
        began = time.time()
        world.watch(address, poll_seconds=5)
        ended = world.until_decided(address, len(mails), 60 + len(mails) * SECONDS_PER_MAIL)
    world.mailweave("mailbox", "remove", address)
    peaks = {name: round(size / 1e6) for name, size in sorted(meter.peak.items())}
    return {**figures(len(mails), ended - began, meter.cpu), "peak_megabytes": peaks}


def _stored(small: Installation, large: Installation, mails: list[bytes], given: argparse.Namespace) -> dict[str, Any]:
    """
    Measure in turn an installation that has stored little (what was measured before) and one that has stored much.

    Who is first changes from round to round. The other one idles; to count its rows takes at most 2 % of a core.

    The large one first takes a round that is not measured: PostgreSQL writes each page whole to its log when it is
    first changed after a checkpoint, which at full speed 300,000 mails have in common, and not the few of a round.
    """
    with large.running(given.replicas):
        large.directory(BOXES)
        _run(large, mails[: given.warm or 1], WARM)
        began = time.time()
        with large.database() as database:
            found: dict[str, Any] = {"mails": given.stored, "database": stored.fill(database, given.stored)}
        found["filled_in_seconds"] = round(time.time() - began)
        if given.records:
            found["directory"] = directory.loaded(large, given.records)
        _run(large, mails, TOUCH)
        rounds: list[dict[str, dict[str, Any]]] = []
        for number, address in enumerate(IN_TURN):
            order = [("small", small), ("large", large)]
            rounds.append({name: _run(world, mails, address) for name, world in order[:: 1 if number % 2 == 0 else -1]})
    found["rounds"] = rounds
    for figure in ("mails_per_second", "cpu_per_1000_all"):
        found[f"{figure}_ratio"] = round(statistics.median(r["large"][figure] / r["small"][figure] for r in rounds), 2)
    for name in ("resolver", "postgres"):
        found[f"cpu_per_1000_{name}_ratio"] = round(
            statistics.median(_cpu_of(r["large"], name) / _cpu_of(r["small"], name) for r in rounds), 2
        )
    return found


def _cpu_of(run: dict[str, Any], name: str) -> float:
    each: dict[str, float] = run["cpu_per_1000"]
    return sum(seconds for process, seconds in each.items() if process.startswith(name))


def _steady(world: Installation, mails: list[bytes], address: str, hours: float, rate: float) -> dict[str, Any]:
    """Append mails at a rate; return the resident memory of each process early, late and at most."""
    world.append(address, [])
    world.watch(address)
    meter = Meter(world.roots)
    began, sent = time.time(), 0
    with meter.running(every=10):
        while time.time() < began + hours * 3600:
            due = int((time.time() - began) * rate) - sent
            names = [mails[(sent + n) % len(mails)] for n in range(due)]
            runs = [(sent + n) // len(mails) for n in range(due)]
            world.append(address, [mailset.fresh(m, f"load{run}", address) for m, run in zip(names, runs, strict=True)])
            sent += due
            time.sleep(1)
        world.until_decided(address, sent, 300)
    quarter = max(1, len(meter.samples) // 4)
    early, late = meter.samples[:quarter], meter.samples[-quarter:]
    return {
        "mails": sent,
        "megabytes": {
            name: {
                "first_quarter": round(statistics.median(s[name] for s in early) / 1e6),
                "last_quarter": round(statistics.median(s[name] for s in late) / 1e6),
                "peak": round(peak / 1e6),
            }
            for name, peak in sorted(meter.peak.items())
        },
    }


if __name__ == "__main__":
    main()
