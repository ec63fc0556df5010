"""Signals: the only way in which a service says that something is wrong, or well again."""

from collections.abc import Sequence
from typing import Any

import psycopg

from services.contracts import codec
from services.domain.alerts import Signal
from services.storage import outbox

TOPIC = "alert-signals"


def append(connection: psycopg.Connection[Any], schema: str, signals: Sequence[Signal]) -> None:
    """Write signals into the owner's outbox, in the transaction of what they tell of."""
    outbox.append(connection, schema, [record(signal) for signal in signals])


def record(signal: Signal) -> outbox.OutboxRow:
    """Return the record of a signal. Key: the alert's key, so that the signals of one alert keep their order."""
    value = codec.encode(
        "AlertSignal",
        {
            "object": signal.key.object,
            "code": signal.key.code,
            "direction": signal.key.direction,
            "state": signal.state,
            "observed": signal.observed,
            "fence": signal.fence,
            "detail": signal.detail,
        },
    )
    return outbox.OutboxRow(TOPIC, str(signal.key).encode(), value, {})
