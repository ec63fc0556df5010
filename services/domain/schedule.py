"""When a mailbox is checked next. Chance comes in as an argument, so the same input gives the same answer."""

from datetime import timedelta

FIRST_DELAY = 5.0
LONGEST_DELAY = 600.0
PERMANENT_DELAY = 120.0
GROWTH = 2.0
SPREAD = 0.2


def next_delay(poll_seconds: float, *, errors: int, permanent: bool, chance: float) -> timedelta:
    """
    Return how long to wait after a check; ``errors`` counts failures in a row, ``chance`` lies in [0, 1).

    After success it is the profile's interval as it stands. After failures it doubles from the interval (at
    least 5 s) up to 10 minutes, or up to the interval where that is longer. A failure that only a person can
    mend (login refused) starts at 2 minutes: it is tried again, because people do mend it, but slowly, because
    servers lock accounts. The spread of a fifth keeps mailboxes of one dead server from coming back in step.
    """
    if errors <= 0:
        return timedelta(seconds=poll_seconds)
    first = max(poll_seconds, PERMANENT_DELAY if permanent else FIRST_DELAY)
    longest = max(poll_seconds, LONGEST_DELAY)
    steps = min(errors - 1, 32)  # 2**32 is beyond every limit; more would overflow after years of failures
    grown = min(first * GROWTH**steps, longest)
    return timedelta(seconds=grown * (1 - SPREAD * chance))
