"""When a mailbox is checked next. Chance comes in as an argument, so the same input gives the same answer."""

from datetime import timedelta

from services.domain.mailbox_state import UNREAD, Phase, State

FIRST_DELAY = 5.0
LONGEST_DELAY = 600.0
FIRST_PROBE = 120.0
LONGEST_PROBE = 3600.0
GROWTH = 2.0
SPREAD = 0.2


def due_in(state: State, poll_seconds: float, *, chance: float) -> timedelta | None:
    """Return how long after a check a mailbox in this state is due again; None: never, nobody may read it."""
    if state.phase in UNREAD:
        return None
    if state.phase in (Phase.ENABLED, Phase.BACKING_OFF, Phase.DISABLED):
        disabled = state.phase is Phase.DISABLED
        return next_delay(poll_seconds, errors=state.attempts, disabled=disabled, chance=chance)
    return timedelta()


def next_delay(poll_seconds: float, *, errors: int, disabled: bool, chance: float) -> timedelta:
    """
    Return how long to wait after a check; ``errors`` counts failures in a row, ``chance`` lies in [0, 1).

    After success it is the profile's interval. After failures it doubles from the interval (at least 5 s) up to 10
    minutes, or up to the interval where that is longer. A mailbox that is disabled by an error is probed after 2
    minutes and then up to an hour apart: it is tried again, because people do mend what is wrong, but slowly, because
    servers lock accounts. The spread, up to a fifth less, keeps mailboxes of one dead server from
    coming back in step, and has those apart after a while that were all due at once, as after a start.
    """
    if errors <= 0:
        return timedelta(seconds=poll_seconds * (1 - SPREAD * chance))
    first = max(poll_seconds, FIRST_PROBE if disabled else FIRST_DELAY)
    longest = max(poll_seconds, LONGEST_PROBE if disabled else LONGEST_DELAY)
    steps = min(errors - 1, 32)  # 2**32 is beyond every limit; more would overflow after years of failures
    grown = min(first * GROWTH**steps, longest)
    return timedelta(seconds=grown * (1 - SPREAD * chance))
