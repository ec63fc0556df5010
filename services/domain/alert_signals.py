"""What is worth a signal: what becomes of a mailbox, and mail that could not be read."""

from datetime import datetime

from services.domain.alerts import Key, Signal, SignalState
from services.domain.identity import Direction
from services.domain.mailbox_state import Outcome
from services.domain.message import ParseOutcome

UNPARSED = frozenset({ParseOutcome.HEADERS, ParseOutcome.UNREADABLE})


def of_mailbox(mailbox: str, direction: Direction, outcome: Outcome, *, fence: int, at: datetime) -> list[Signal]:
    """Return what is to be signalled of a mailbox after an event: the all-clear of what is over, then what is wrong."""
    said = []
    if outcome.cleared:
        key = Key(_of(mailbox), outcome.cleared, direction)
        said.append(Signal(key=key, state=SignalState.CLEARED, observed=at, fence=fence))
    if outcome.raised:
        key = Key(_of(mailbox), outcome.raised, direction)
        said.append(Signal(key=key, state=SignalState.RAISED, observed=at, fence=fence, detail=outcome.detail))
    return said


def of_unparsed(mailbox: str, *, detail: str, at: datetime) -> Signal:
    """Return the signal of a mail that was kept though it could not be read in full; a person resolves the alert."""
    key = Key(_of(mailbox), "mail_unparsed", Direction.INCOMING)
    return Signal(key=key, state=SignalState.RAISED, observed=at, detail=detail)


def of_forward(mailbox: str, code: str, *, detail: str, at: datetime) -> Signal:
    """Return the signal of how a mail was forwarded to a forward mailbox; a person resolves the alert."""
    return Signal(key=Key(_of(mailbox), code, Direction.INCOMING), state=SignalState.RAISED, observed=at, detail=detail)


def of_ingest(mailbox: str, *, detail: str, at: datetime) -> Signal:
    """Return the signal of a dropped file that stays where it is; a person resolves the alert."""
    key = Key(_of(mailbox), "ingest_stuck", Direction.INCOMING)
    return Signal(key=key, state=SignalState.RAISED, observed=at, detail=detail)


def _of(mailbox: str) -> str:
    return f"mailbox/{mailbox}"
