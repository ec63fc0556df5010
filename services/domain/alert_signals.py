"""What is worth a signal: what becomes of a mailbox, and mail that could not be read."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from services.domain.alerts import Key, Signal, SignalState
from services.domain.identity import Direction
from services.domain.mailbox_state import LeftOut, Outcome
from services.domain.message import ParseOutcome

SILENT = "it was not heard for ten minutes"
UNPARSED = frozenset({ParseOutcome.HEADERS, ParseOutcome.UNREADABLE})


def of_mailbox(
    mailbox: str, direction: Direction, outcome: Outcome, *, fence: int | None, at: datetime
) -> list[Signal]:
    """Return what is to be signalled of a mailbox after an event: the all-clear of what is over, then what is wrong."""
    said = []
    if outcome.cleared:
        key = Key(_of(mailbox), outcome.cleared, direction)
        said.append(Signal(key=key, state=SignalState.CLEARED, observed=at, fence=fence))
    if outcome.raised:
        key = Key(_of(mailbox), outcome.raised, direction)
        said.append(Signal(key=key, state=SignalState.RAISED, observed=at, fence=fence, detail=outcome.detail))
    return said


def of_left_out(
    mailbox: str, left_out: Sequence[LeftOut], over: Iterable[str], *, fence: int, at: datetime
) -> list[Signal]:
    """Return what is to be signalled of folders: one alert per cause, and the all-clear of the causes that are over."""
    words: dict[str, str] = {}
    for code, detail in left_out:
        words[code] = f"{words[code]}; {detail}" if code in words else detail
    raised = [(code, SignalState.RAISED, detail) for code, detail in words.items()]
    cleared = [(code, SignalState.CLEARED, "") for code in over if code not in words]
    return [
        Signal(key=Key(_of(mailbox), code, Direction.INCOMING), state=state, observed=at, fence=fence, detail=detail)
        for code, state, detail in (*cleared, *raised)
    ]


def of_passed_test(mailbox: str, direction: Direction, *, at: datetime) -> list[Signal]:
    """Return the signals of a test that a person asked for and that passed: told, and over in the same moment."""
    key = Key(_of(mailbox), "test_passed", direction)
    return [Signal(key=key, state=state, observed=at) for state in (SignalState.RAISED, SignalState.CLEARED)]


def of_profile(profile: str, *, fails: bool, at: datetime) -> Signal:
    """Return the signal of a server profile of which most mailboxes fail, or no longer do."""
    key = Key(f"server-profile/{profile}", "profile_failing", Direction.INCOMING)
    detail = "more than half of its mailboxes have come to fail within an hour" if fails else ""
    state = SignalState.RAISED if fails else SignalState.CLEARED
    return Signal(key=key, state=state, observed=at, detail=detail)


def of_unparsed(mailbox: str, *, detail: str, at: datetime) -> Signal:
    """Return the signal of a mail that was kept though it could not be read in full; a person resolves the alert."""
    key = Key(_of(mailbox), "mail_unparsed", Direction.INCOMING)
    return Signal(key=key, state=SignalState.RAISED, observed=at, detail=detail)


def of_forward(mailbox: str, code: str, *, detail: str, at: datetime) -> Signal:
    """Return the signal of how a mail was forwarded to a forward mailbox; a person resolves the alert."""
    return Signal(key=Key(_of(mailbox), code, Direction.INCOMING), state=SignalState.RAISED, observed=at, detail=detail)


def of_token(mailbox: str, code: str, *, detail: str, at: datetime) -> Signal:
    """Return the signal of a mail whose token or sender is not believed; a person resolves the alert."""
    return Signal(key=Key(_of(mailbox), code, Direction.INCOMING), state=SignalState.RAISED, observed=at, detail=detail)


def of_likeness(*, full: bool, at: datetime) -> Signal:
    """Return the signal of a likeness index that has no room, or has room again."""
    key = Key("redis/likeness", "likeness_full")
    state, detail = (SignalState.RAISED, "mails are not indexed") if full else (SignalState.CLEARED, "")
    return Signal(key=key, state=state, observed=at, detail=detail)


def of_ingest(mailbox: str, *, detail: str, at: datetime) -> Signal:
    """Return the signal of a dropped file that stays where it is."""
    key = Key(_of(mailbox), "ingest_stuck", Direction.INCOMING)
    return Signal(key=key, state=SignalState.RAISED, observed=at, detail=detail)


def of_router(router: str, *, silent: bool, at: datetime) -> Signal:
    """Return the signal of a router that is missed, or that is heard or not needed any more."""
    key = Key(f"router/{router or 'any'}", "router_silent", Direction.INCOMING)
    state, detail = (SignalState.RAISED, SILENT) if silent else (SignalState.CLEARED, "")
    return Signal(key=key, state=state, observed=at, detail=detail)


def of_ingest_mended(mailbox: str, *, at: datetime) -> Signal:
    """Return the all-clear of a mailbox's dropped files: none of them stays any longer."""
    key = Key(_of(mailbox), "ingest_stuck", Direction.INCOMING)
    return Signal(key=key, state=SignalState.CLEARED, observed=at)


def _of(mailbox: str) -> str:
    return f"mailbox/{mailbox}"
