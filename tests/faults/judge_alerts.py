"""The part of the judgement about alerts: one open alert for what is wrong, none for what no longer is."""

from collections import Counter
from collections.abc import Iterator

from tests.faults.anomalies import Anomaly, Kind
from tests.faults.judge_streams import INPUTS, told
from tests.faults.signalling import MARK
from tests.faults.state import State

RESOLVER = "resolver"  # which also reads the directory
LASTING = ("mail_unparsed", "sender_unverified", "token_unshared")  # only a person resolves these


def alert_anomalies(state: State, missing: Kind) -> Iterator[Anomaly]:
    """The last marked signal of a key decides; each dead letter has its alert; a mailbox that is read has none."""
    opened = Counter(one.key for one in state.alerts if one.open)
    for key, count in opened.items():
        if count > 1:
            yield Anomaly(Kind.DUPLICATE, f"{count} open alerts of {key}")
    last = {one.about: one.more for one in sorted(state.records("alert-signals"), key=lambda one: one.offset)}
    for key, said in last.items():
        if key.startswith(MARK) and said == "raised" and not opened[key]:
            yield Anomaly(missing, f"{key} was raised and there is no alert")
        if key.startswith(MARK) and said == "cleared" and opened[key]:
            yield Anomaly(Kind.UNEXPECTED, f"{key} was cleared and there is an alert")
    for topic, _, _ in state.dead:
        if not opened[f"stage/{INPUTS.get(topic, RESOLVER)}/{topic}|dead_letter|"]:
            yield Anomaly(missing, f"there is no alert for the dead letters of {topic}")
    for key in opened:
        if key.startswith("mailbox/") and not any(code in key for code in LASTING):
            yield Anomaly(Kind.UNEXPECTED, f"{key} is open, and its mailbox is read")
    shown = {one.id: one.version for one in state.alerts if one.shown}
    yield from told(state.records("alert-events"), shown, "alert", missing)
