"""Carrying out one fault, from its beginning to its end: afterwards whatever was hit runs again."""

import random
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import closing

import redis

from services.cli import stack as local
from services.fetcher.leases import LEASE
from tests.faults.proxy import Trouble
from tests.faults.signalling import send_signals
from tests.faults.world import World

SESSION_SECONDS = 10.0
LEASE_SECONDS = 15.0
PAUSE_SECONDS = max(SESSION_SECONDS, LEASE_SECONDS) + 3
CRASH_SECONDS = 90.0
LOOKS, STEADY, LOOK_SECONDS = 20, 8, 0.2  # a mailbox that idles is leased too; after a while mail has come for it


def carry_out(world: World, fault: str, chance: random.Random) -> None:
    """Do what the fault says, such as ``kill fetcher``; it takes some seconds."""
    verb, _, what = fault.partition(" ")
    _VERBS[verb](world, what, chance)


def _kill(world: World, service: str, chance: random.Random) -> None:
    """In the middle of whatever it does; the supervisor starts it again."""
    time.sleep(chance.uniform(0, 1.5))
    world.replicas.kill(chance.choice(world.replicas.names(service)))
    time.sleep(chance.uniform(1, 3))


def _pause(world: World, service: str, chance: random.Random) -> None:
    """Longer than group and lease wait for it: others take over, and then it goes on as if nothing had been."""
    time.sleep(chance.uniform(0, 1))
    name = (_handing_over(world) if service == "fetcher" else None) or chance.choice(world.replicas.names(service))
    paused = world.replicas.pause(name)
    world.calm()
    if paused:
        time.sleep(PAUSE_SECONDS)
        world.replicas.resume(name)


def _handing_over(world: World) -> str | None:
    """
    Stall Kafka until a fetcher waits for it, and return that one: it has read mails and not moved the cursor yet.

    A check takes milliseconds, so a pause at any time would meet nobody in the middle of one.
    """
    world.proxies["kafka"].trouble = Trouble(stalled=True)
    names = {f"-{world.replicas.pid(name)}-": name for name in world.replicas.names("fetcher")}
    looks: list[Mapping[str, str]] = []
    for _ in range(LOOKS):
        time.sleep(LOOK_SECONDS)
        looks = [*looks[1 - STEADY :], _leases(world)]
        steady = set.intersection(*(set(one.items()) for one in looks))
        if len(looks) == STEADY and steady:
            _, owner = min(steady)
            return next((name for pid, name in names.items() if pid in owner), None)
    return None


def _leases(world: World) -> Mapping[str, str]:
    """Return the owner of each mailbox that is being read."""
    with closing(redis.Redis.from_url(world.pipeline.config.redis, decode_responses=True)) as client:
        return {str(key): str(client.get(key)) for key in client.scan_iter(f"{LEASE}*")}


def _crash(world: World, point: str, chance: random.Random) -> None:
    """Both replicas die there, one after the other or one alone."""
    service = point.partition(".")[0]
    armed = world.replicas.arm(service, point)
    deadline = time.monotonic() + CRASH_SECONDS
    while not world.replicas.died(armed):
        assert time.monotonic() < deadline, f"nobody came to the crash point {point} in {CRASH_SECONDS:.0f} s"
        if point == "fetcher.outbox_sent":
            # A fetcher has something to tell only when the mail server fails it.
            world.proxies["dovecot"].trouble = Trouble(reset_after=0)
        if service == "alerter":
            send_signals(world.pipeline.config.kafka, f"{point}-{time.monotonic_ns()}")
        time.sleep(0.3)
    world.calm()
    time.sleep(chance.uniform(0, 1))
    world.replicas.disarm(armed)


def _restart(world: World, server: str, chance: random.Random) -> None:
    time.sleep(chance.uniform(0, 1))
    local.kill(world.home, server)
    time.sleep(chance.uniform(0.5, 4))
    local.start(world.home, server)


def _freeze(world: World, server: str, chance: random.Random) -> None:
    local.kill(world.home, server, signal.SIGSTOP)
    time.sleep(SESSION_SECONDS + chance.uniform(1, 3))
    local.kill(world.home, server, signal.SIGCONT)


def _flush(world: World, _server: str, chance: random.Random) -> None:
    with closing(redis.Redis.from_url(world.pipeline.config.redis)) as client:
        for _ in range(3):
            client.flushall()
            time.sleep(chance.uniform(0.2, 1))


def _fill(world: World, _: str, chance: random.Random) -> None:
    if not world.disk.can_fail:
        return
    world.disk.fill()
    try:
        time.sleep(chance.uniform(3, 6))
    finally:
        world.disk.free()


def _trouble(make: Callable[[random.Random], Trouble]) -> Callable[[World, str, random.Random], None]:
    def carry_out(world: World, server: str, chance: random.Random) -> None:
        world.proxies[server].trouble = make(chance)
        try:
            time.sleep(chance.uniform(4, 8))
        finally:
            world.calm()

    return carry_out


_VERBS: Mapping[str, Callable[[World, str, random.Random], None]] = {
    "kill": _kill,
    "pause": _pause,
    "crash": _crash,
    "restart": _restart,
    "freeze": _freeze,
    "flush": _flush,
    "fill": _fill,
    "latency": _trouble(lambda chance: Trouble(latency=chance.uniform(0.05, 0.4))),
    "narrow": _trouble(lambda chance: Trouble(bytes_per_second=chance.uniform(20_000, 200_000))),
    "reset": _trouble(lambda chance: Trouble(reset_after=chance.randrange(200, 20_000))),
    "stall": _trouble(lambda _: Trouble(stalled=True)),
    "half-close": _trouble(lambda chance: Trouble(answers_end_after=chance.randrange(100, 10_000))),
}
