"""Many mailboxes on one fetcher: what it costs to poll them all in time, and what each one costs that idles."""

import base64
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import redis

from services.cli.stack.dovecot import users_file
from services.fetcher.leases import LEASE
from tests.bench.accounting import Meter, by_name, processes
from tests.bench.installation import PASSWORD, Installation

OF_ONE_PROFILE = 300
SECONDS_PER_MAILBOX = 0.5  # a first check that takes longer is stuck
LOOK_SECONDS = 5
WATCHED = ("fetcher", "dovecot", "postgres", "valkey")
_CHECKED = "SELECT count(*) FROM fetcher.mailbox WHERE last_check IS NOT NULL AND last_error IS NULL"
_BEHIND = "SELECT coalesce(extract(epoch FROM max(now() - next_check)), 0)::float8 FROM fetcher.mailbox"
_OLDEST = "SELECT extract(epoch FROM max(now() - last_check))::float8 FROM fetcher.mailbox"


def polled(world: Installation, count: int, poll_seconds: int, minutes: float) -> dict[str, Any]:
    """Poll empty mailboxes for some minutes; return what that took and how far behind its time the last one was."""
    first = _watch(world, count, {"idle": False, "pollSeconds": poll_seconds})
    behind, oldest = [], []
    meter = Meter(world.roots)
    with _looking(world) as ask, meter.running(every=1):
        end = time.monotonic() + minutes * 60
        while time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
            behind.append(ask(_BEHIND))
            oldest.append(ask(_OLDEST))
    return {
        "mailboxes": count,
        "poll_seconds": poll_seconds,
        "first_checks_seconds": round(first),
        "behind_seconds_most": round(max(behind), 1),
        "since_last_check_seconds_most": round(max(oldest)),
        "cpu_seconds_per_minute": _per_minute(meter, minutes),
        "peak_megabytes": {name: round(_of(meter.peak, name) / 1e6) for name in WATCHED},
    }


def idled(world: Installation, count: int, minutes: float) -> dict[str, Any]:
    """Have empty mailboxes idle; return memory per connection, and the CPU of some minutes in which nothing comes."""
    before = _resident(world)
    first = _watch(world, count, {"idle": True, "pollSeconds": 86_400})
    with closing(redis.Redis.from_url(world.environ["MAILWEAVE_REDIS"])) as client:
        _until(lambda: sum(1 for _ in client.scan_iter(f"{LEASE}*", 1000)) >= count, count)
    after = _resident(world)
    meter = Meter(world.roots)
    with meter.running(every=1):
        time.sleep(minutes * 60)
    return {
        "mailboxes": count,
        "until_all_idle_seconds": round(first),
        "kilobytes_per_connection": {
            name: round((_of(after, name) - _of(before, name)) / count / 1e3) for name in ("fetcher", "dovecot")
        },
        "megabytes": {name: round(_of(after, name) / 1e6) for name in WATCHED},
        "cpu_seconds_per_minute": _per_minute(meter, minutes),
    }


def _per_minute(meter: Meter, minutes: float) -> dict[str, float]:
    seconds = {name: user + system for name, (user, system) in meter.cpu.items()}
    return {name: round(_of(seconds, name) / minutes, 2) for name in WATCHED}


def _resident(world: Installation) -> dict[str, float]:
    return {name: size for name, (_, _, size) in by_name(processes(), world.roots()).items()}


def _of(values: Mapping[str, float], service: str) -> float:
    """Return the sum over all replicas of a service."""
    return sum(value for name, value in values.items() if name.partition("-")[0] == service)


def _watch(world: Installation, count: int, polling: dict[str, Any]) -> float:
    """Make mailboxes and have them read; return the seconds until each was checked once."""
    names = [f"many{number}@crm.example" for number in range(count)]
    _make_users(world, names)
    host, _, port = world.environ["MAILWEAVE_IMAP"].rpartition(":")
    place = {"host": host, "port": int(port), "tls": "none", "maxConnections": OF_ONE_PROFILE}
    settings: dict[str, Any] = {}
    for number, name in enumerate(names):
        profile = f"many{number // OF_ONE_PROFILE}"
        settings[f"server-profile/{profile}"] = {**place, **polling}
        settings[f"mailbox/{name}"] = {"address": name, "serverProfile": profile, "user": name, "credential": "many"}
    with tempfile.TemporaryDirectory() as folder:
        password, file = Path(folder, "password"), Path(folder, "settings.json")
        password.write_text(PASSWORD)
        file.write_text(json.dumps(settings))
        world.mailweave("credential", "set", "many", "--password-file", password)
        world.mailweave("settings", "apply", file, "--timeout", "300")
    began = time.monotonic()
    with _looking(world) as ask:
        _until(lambda: ask(_CHECKED) >= count, count)
    return time.monotonic() - began


def _make_users(world: Installation, names: list[str]) -> None:
    file = users_file(world.home)
    secret = base64.b64encode(PASSWORD.encode()).decode()
    with file.open("a") as users:
        users.writelines(f"{name}:{{PLAIN.b64}}{secret}\n" for name in names)
    later = int(time.time()) + 2
    os.utime(file, (later, later))  # Dovecot looks at whole seconds


@contextmanager
def _looking(world: Installation) -> Iterator[Any]:
    with world.database() as connection:

        def ask(query: str) -> float:
            row = connection.execute(query.encode()).fetchone()
            return row[0] if row else 0

        yield ask


def _until(true: Any, count: int) -> None:
    end = time.monotonic() + 60 + count * SECONDS_PER_MAILBOX
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"bench: not all of {count} mailboxes were read in time")
        time.sleep(1)
