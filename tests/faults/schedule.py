"""Which faults a run has, and in what order: every kind there is, then more of them, shuffled by the seed."""

import random
from collections.abc import Sequence

from services.cli import session

CRASH_POINTS = (
    "fetcher.blobs_stored",
    "fetcher.acknowledged",
    "fetcher.committed",
    "fetcher.outbox_sent",
    "correlator.graph_written",
    "correlator.committed",
    "correlator.likeness_indexed",
    "correlator.outbox_sent",
    "resolver.stored",
    "resolver.decided",
    "resolver.committed",
    "resolver.job",
    "resolver.outbox_sent",
    "alerter.written",
    "alerter.committed",
    "alerter.outbox_sent",
)
SERVERS = ("kafka", "postgres", "valkey", "dovecot")
TROUBLES = ("latency", "narrow", "reset", "stall", "half-close")


def kinds() -> list[str]:
    """Return every kind of fault: a verb and what it hits."""
    return [
        *(f"kill {service}" for service in session.SERVICES),
        *(f"pause {service}" for service in session.SERVICES),
        *(f"crash {point}" for point in CRASH_POINTS),
        *(f"restart {server}" for server in SERVERS),
        "freeze kafka",
        "flush valkey",
        "fill disk",
        *(f"{trouble} {server}" for server in SERVERS for trouble in TROUBLES),
    ]


def schedule(seed: int, count: int) -> list[str]:
    """Return ``count`` faults in the order of their coming. From the number of kinds on each kind is among them."""
    chance = random.Random(seed)
    found: list[str] = []
    while len(found) < count:
        round_ = kinds()
        chance.shuffle(round_)
        found += round_
    return found[:count]


def short(seed: int) -> Sequence[str]:
    """Return a small selection, the quick ones: a kill of each service, crash points, servers, the network."""
    chance = random.Random(seed)
    found = [
        *(f"kill {service}" for service in session.SERVICES),
        f"crash {chance.choice(['fetcher.acknowledged', 'correlator.committed'])}",
        f"crash {chance.choice(['resolver.decided', 'resolver.committed'])}",
        "restart kafka",
        "flush valkey",
        f"reset {chance.choice(SERVERS)}",
    ]
    chance.shuffle(found)
    return found
