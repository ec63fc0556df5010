"""What happens with a batch of signals. Ports come as arguments."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from services.contracts.codec import decode
from services.domain.alerts import Key, Level, Signal, SignalState
from services.domain.errors import UndecodableRecord
from services.runtime.crash import crash_point
from services.runtime.records import Batch, Input, Output
from services.settings.organization import Organization


class Alerts(Protocol):
    """The alerts; the true ones are :class:`services.alerter.store.AlertStore`."""

    def apply(self, signals: Sequence[Signal], shown: AbstractSet[Level]) -> None:
        """Apply signals in their order, all or none, durable on return; what comes again or late changes nothing."""


def levels(organization: Organization) -> frozenset[Level]:
    """Return the levels of which alerts are made."""
    switches = {
        Level.ERROR: organization.alerts_error,
        Level.WARNING: organization.alerts_warning,
        Level.INFORMATION: organization.alerts_information,
    }
    return frozenset(level for level, on in switches.items() if on)


def alert(batch: Batch, *, alerts: Alerts, shown: Callable[[], AbstractSet[Level]]) -> list[Output]:
    """Apply a batch of signals. Idempotent; a record that is no signal is rejected, its neighbours go on."""
    signals = []
    for given in batch:
        try:
            signals.append(_signal(given))
        except UndecodableRecord as error:
            batch.reject(given, error.code, str(error))
    if signals:
        alerts.apply(signals, shown())
    crash_point("alerter.committed")
    return []


def _signal(given: Input) -> Signal:
    name, record = decode(given.value or b"")
    if name != "AlertSignal":
        raise UndecodableRecord(f"{name} is no record of this topic")
    try:
        state = SignalState(record["state"])
    except ValueError as error:
        raise UndecodableRecord(f"a signal is raised or cleared, not {record['state']!r}") from error
    return Signal(
        key=Key(record["object"], record["code"], record["direction"]),
        state=state,
        observed=record["observed"],
        fence=record["fence"],
        detail=record["detail"],
        place=(given.partition, given.offset),
    )
