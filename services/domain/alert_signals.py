"""What is worth a signal: how a check of a mailbox ended, and mail that could not be read."""

from datetime import datetime

from services.domain.alerts import Key, Signal, SignalState
from services.domain.message import ParseOutcome

UNPARSED = frozenset({ParseOutcome.HEADERS, ParseOutcome.UNREADABLE})
INCOMING = "incoming"


def of_check(
    mailbox: str, *, fence: int, before: str | None, now: str | None, detail: str, at: datetime
) -> list[Signal]:
    """
    Return what a check has to signal, given the code of the last one and its own; None is success.

    Nothing when all was well and still is; an all-clear for what is over, also when something else is wrong now.
    """
    said = []
    if before is not None and before != now:
        said.append(
            Signal(key=Key(_of(mailbox), before, INCOMING), state=SignalState.CLEARED, observed=at, fence=fence)
        )
    if now is not None:
        key = Key(_of(mailbox), now, INCOMING)
        said.append(Signal(key=key, state=SignalState.RAISED, observed=at, fence=fence, detail=detail))
    return said


def of_putting_aside(mailbox: str, *, fence: int, before: str, at: datetime) -> Signal:
    """Return the all-clear of a mailbox that is checked no more: what was wrong with it is nobody's concern now."""
    key = Key(_of(mailbox), before, INCOMING)
    return Signal(key=key, state=SignalState.CLEARED, observed=at, fence=fence)


def of_unparsed(mailbox: str, *, detail: str, at: datetime) -> Signal:
    """Return the signal of a mail that was kept though it could not be read in full; a person resolves the alert."""
    key = Key(_of(mailbox), "mail_unparsed", INCOMING)
    return Signal(key=key, state=SignalState.RAISED, observed=at, detail=detail)


def of_ingest(mailbox: str, *, detail: str, at: datetime) -> Signal:
    """Return the signal of a dropped file that stays where it is; a person resolves the alert."""
    return Signal(key=Key(_of(mailbox), "ingest_stuck", INCOMING), state=SignalState.RAISED, observed=at, detail=detail)


def _of(mailbox: str) -> str:
    return f"mailbox/{mailbox}"
