"""What a signal does to an alert: opens one, counts, resolves, or changes nothing because it is late."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from services.domain.alert_codes import Kind
from services.domain.directory import RecordRef
from services.domain.identity import NAMESPACE


class Level(StrEnum):
    """How bad it is (domain rule 8.1)."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


class SignalState(StrEnum):
    """Whether something is wrong, or no longer is."""

    RAISED = "raised"
    CLEARED = "cleared"


class Change(StrEnum):
    """What an alert event tells of."""

    RAISED = "raised"
    REPEATED = "repeated"
    RESOLVED = "resolved"
    READDRESSED = "readdressed"


@dataclass(frozen=True, slots=True)
class Key:
    """What an alert is about. There is never more than one open alert of a key."""

    object: str
    code: str
    direction: str = ""

    def __str__(self) -> str:
        """The key as one text: the key of the records."""
        return f"{self.object}|{self.code}|{self.direction}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """
    One observation. ``fence`` is the mailbox's fencing number, None where there is none.

    ``detail`` is in plain words and holds no content of a mail. ``place`` is partition and offset, once it has one.
    """

    key: Key
    state: SignalState
    observed: datetime
    fence: int | None = None
    detail: str = ""
    place: tuple[int, int] = (-1, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """
    The last alert of a key, open or resolved.

    ``failures`` counts what was raised since the last all-clear; the alert shows from ``Kind.shown_after`` on.
    ``observed``, ``fence`` and ``place`` are those of the last signal that was applied. ``addressees`` are those
    who are told of it.
    """

    id: UUID
    key: Key
    level: Level
    version: int
    open: bool
    count: int
    first_seen: datetime
    last_seen: datetime
    observed: datetime
    fence: int | None
    place: tuple[int, int]
    failures: int
    resolved_at: datetime | None = None
    resolved_by: str = ""
    detail: str = ""
    addressees: tuple[RecordRef, ...] = ()


def apply(
    before: Alert | None, signal: Signal, kind: Kind, *, shown: bool, addressees: tuple[RecordRef, ...] = ()
) -> tuple[Alert, Change | None]:
    """
    Return the alert after a signal, and what is to be told of it.

    A signal that was observed before the last applied one, or under a lower fencing number, changes nothing; neither
    does one that comes again.
    ``shown`` is whether the settings let alerts of this level come up; one that is open still resolves. ``addressees``
    are told of an alert that opens. A repeated
    alert is told of when its count has doubled, so that a mailbox that fails all night gives ten events and not 3,000.
    """
    if before is not None and _late(before, signal):
        return before, None
    if signal.state == SignalState.CLEARED:
        if before is None:
            # Kept, so that what was raised before it and comes later opens nothing.
            return _first(signal, kind, opens=False, failures=0), None
        after = replace(_seen(before, signal), failures=0)
        if not before.open:
            return after, None
        return resolve(after, at=signal.observed, by="signal"), Change.RESOLVED
    failures = (before.failures if before else 0) + 1
    if before is not None and before.open:
        count = before.count + 1
        told = count & (count - 1) == 0
        after = replace(
            _seen(before, signal),
            count=count,
            last_seen=signal.observed,
            failures=failures,
            detail=signal.detail,
            version=before.version + told,
        )
        return after, Change.REPEATED if told else None
    if before is not None and not (shown and failures >= kind.shown_after):
        # Not shown yet: an alert that was resolved before keeps its place in the history.
        return replace(_seen(before, signal), failures=failures), None
    opens = shown and failures >= kind.shown_after
    first = _first(signal, kind, opens=opens, failures=failures)
    return (replace(first, addressees=addressees), Change.RAISED) if opens else (first, None)


def _first(signal: Signal, kind: Kind, *, opens: bool, failures: int) -> Alert:
    return Alert(
        id=uuid5(NAMESPACE, f"alert|{signal.key}|{signal.observed.isoformat()}|{signal.place}"),
        key=signal.key,
        level=Level(kind.level),
        version=1,
        open=opens,
        count=failures,
        first_seen=signal.observed,
        last_seen=signal.observed,
        observed=signal.observed,
        fence=signal.fence,
        place=signal.place,
        failures=failures,
        detail=signal.detail,
    )


def resolve(alert: Alert, *, at: datetime, by: str) -> Alert:
    """Return an open alert as resolved, by the all-clear or by a person."""
    return replace(alert, open=False, resolved_at=at, resolved_by=by, version=alert.version + 1, failures=0)


def readdress(alert: Alert, addressees: tuple[RecordRef, ...]) -> Alert:
    """Return an open alert as one of which others are told."""
    return replace(alert, addressees=addressees, version=alert.version + 1)


def _seen(alert: Alert, signal: Signal) -> Alert:
    fence = alert.fence if signal.fence is None else signal.fence
    return replace(alert, observed=signal.observed, fence=fence, place=signal.place)


def _late(before: Alert, signal: Signal) -> bool:
    if signal.fence is not None and before.fence is not None and signal.fence != before.fence:
        return signal.fence < before.fence
    # A topic that was made anew counts its offsets from 0 again, so they decide only between equal times.
    again = signal.place[0] == before.place[0] and signal.place[1] <= before.place[1]
    return signal.observed < before.observed or (signal.observed == before.observed and again)
