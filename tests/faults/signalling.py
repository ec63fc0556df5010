"""Marked signals for the alerter, put onto its topic as a service would: raised, raised again, some then cleared."""

from contextlib import closing
from datetime import UTC, datetime

from kafka import KafkaProducer

from services.domain.alerts import Key, Signal, SignalState
from services.runtime.signals import TOPIC, record

MARK = "fault/"
CODE = "login_refused"  # shown at once
KEYS = 4


def send_signals(kafka: str, mark: str) -> int:
    """Produce the signals of some new keys, every other of them cleared in the end; return how many there were."""
    sent = 0
    with closing(KafkaProducer(bootstrap_servers=kafka, acks="all")) as producer:
        for number in range(KEYS):
            states = [SignalState.RAISED, SignalState.RAISED, SignalState.CLEARED][: 3 - number % 2]
            for state in states:
                key = Key(f"{MARK}{mark}-{number}", CODE)
                row = record(Signal(key=key, state=state, observed=datetime.now(UTC), detail=mark))
                producer.send(TOPIC, key=row.key, value=row.value).get(timeout=20)
                sent += 1
    return sent
