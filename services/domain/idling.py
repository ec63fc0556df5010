"""Mailboxes that idle (RFC 2177): how many, when they are looked at all the same, how long they rest after trouble."""

from collections.abc import Mapping

LONGEST_SECONDS = 1500.0  # servers may log out after 30 minutes, and the RFC asks for less than 29
SAFETY_SECONDS = 240.0
QUIET_SECONDS = 0.25
LONGEST_QUIET = 60.0
FIRST_REST, LONGEST_REST = 60.0, 3600.0
HOST_CONNECTIONS = 1000


def renewal(chance: float) -> float:
    """Return how long one IDLE lasts, in seconds; ``chance`` in [0, 1) spreads mailboxes that began together."""
    return LONGEST_SECONDS * (1 - chance / 5)


def next_look(poll_seconds: float, folders: int) -> float:
    """
    Return how long after a full check a mailbox that idles is checked in full again.

    The inbox alone is told of by the server, so this is for what the server forgets to tell: rarely, but before the
    five minutes after which a mailbox counts as late. Other folders are told of by nobody: the interval is theirs.
    """
    return poll_seconds if folders > 1 else max(poll_seconds, SAFETY_SECONDS)


def quiet(fruitless: int) -> float:
    """
    Return how long after a check the next word of the server waits, in seconds.

    A mailbox that was woken in vain so often in a row (others delete, or the server only makes noise) waits longer.
    """
    return float(min(QUIET_SECONDS * 2.0 ** min(fruitless, 32), LONGEST_QUIET))


def rest(troubles: int) -> float:
    """Return how long a mailbox whose idling went wrong so often in a row is polled instead, in seconds."""
    return float(min(FIRST_REST * 2.0 ** min(max(troubles, 1) - 1, 32), LONGEST_REST))


def most_of_profile(mailboxes: int, connections: int) -> int:
    """
    Return how many mailboxes of a profile may idle; where it has more of them than connections, most are for polling.

    What idles would take from all others the connections that they are polled over.
    """
    return connections if mailboxes <= connections else connections // 4


def most_of_host(replicas: int, refused_at: int | None, room: int) -> int:
    """
    Return how many mailboxes of a host may idle at this replica, over all profiles.

    ``refused_at`` is how many idled when the host last let nobody in; below that, ``room`` is left for polling.
    """
    most = HOST_CONNECTIONS // max(replicas, 1)
    return max(0, (most if refused_at is None else min(most, refused_at)) - room)


def fair_share(mailboxes: int, replicas: int) -> int:
    """Return how many mailboxes one of the replicas may hold by idling."""
    return -(-mailboxes // max(replicas, 1))


def above(idling: Mapping[str, str], most: Mapping[str, int]) -> list[str]:
    """Return which mailboxes must end, so that no group has more than its most: the first ones in ``idling``."""
    left = {group: -count for group, count in most.items()}
    for group in idling.values():
        left[group] = left.get(group, 0) + 1
    ending = []
    for mailbox, group in idling.items():
        if left[group] > 0:
            left[group] -= 1
            ending.append(mailbox)
    return ending
