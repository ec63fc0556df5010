"""The part of the judgement that needs no plan: what stages committed, and what their events say against the store."""

from collections.abc import Iterable, Iterator

from tests.faults.anomalies import Anomaly, Kind
from tests.faults.state import Record, State

INPUTS = {"mail-received": "correlator", "mail-correlated": "resolver", "alert-signals": "alerter"}


def stream_anomalies(state: State, missing: Kind) -> Iterator[Anomaly]:
    yield from _skipped(state)
    yield from _poison(state)
    yield from _cursors(state)
    activities = {one.id: one.version for one in state.activities}
    yield from told(state.records("activity-events"), activities, "activity", missing)
    current: dict[str, int] = {}
    outcomes: dict[tuple[str, int], str] = {}
    for one in state.decisions:
        current[one.delivery] = max(one.version, current.get(one.delivery, 0))
        outcomes[one.delivery, one.version] = one.outcome
    yield from told(state.records("mail-decided"), current, "delivery", missing)
    # A request has one version: one that is told differently was made twice for its address.
    yield from told(state.records("record-requests"), dict.fromkeys(state.requests, 1), "request", missing)
    for record in state.records("mail-decided"):
        stored = outcomes.get((record.about, record.version))
        if stored is not None and stored != record.more:
            yield Anomaly(Kind.INCONSISTENT, f"delivery {record.about} is {stored}, and the event says {record.more}")
    hashes: dict[str, str] = {one.delivery: one.sha256 for one in state.taken}
    for record in state.records("mail-received"):
        if not record.poison and hashes.setdefault(record.about, record.more) != record.more:
            yield Anomaly(Kind.INCONSISTENT, f"delivery {record.about} was sent with two contents")


def _skipped(state: State) -> Iterator[Anomaly]:
    """Per partition: what a stage has committed came out of it or is a dead letter."""
    outputs = {
        "mail-received": {one.about for one in state.records("mail-correlated")},
        "mail-correlated": {one.delivery for one in state.decisions} | set(state.merged),
        "alert-signals": {one.key for one in state.alerts},
    }
    dead = set(state.dead)
    for topic in INPUTS:
        for record in state.records(topic):
            at = (topic, record.partition, record.offset)
            if record.offset >= state.committed.get((topic, record.partition), 0):
                if state.quiet:
                    yield Anomaly(Kind.UNSEEN, f"{at} is not committed")
            elif not record.poison and record.about not in outputs[topic] and at not in dead:
                yield Anomaly(Kind.POLL_SKIP, f"{at}, which tells of {record.about}, was committed without a result")


def _poison(state: State) -> Iterator[Anomaly]:
    """A record that can never succeed becomes one dead letter, is announced, and nothing else becomes one."""
    dead = set(state.dead)
    poison = {
        (topic, one.partition, one.offset)
        for topic in INPUTS
        for one in state.records(topic)
        if one.poison and one.offset < state.committed.get((topic, one.partition), 0)
    }
    for at in poison - dead:
        yield Anomaly(Kind.POLL_SKIP, f"the poison at {at} is no dead letter")
    for at in dead - poison:
        yield Anomaly(Kind.UNEXPECTED, f"{at} is a dead letter")
    announced: dict[str, set[str]] = {}
    for topic in INPUTS:
        for record in state.records(f"{topic}-dead"):
            announced.setdefault(record.about, set()).add(record.digest)
    names = {"/".join(map(str, at)): at for at in dead}
    for name in names.keys() - announced.keys():
        yield Anomaly(Kind.LOST_WRITE, f"the dead letter {name} was never announced")
    for name in announced.keys() - names.keys():
        yield Anomaly(Kind.ABORTED_READ, f"{name} was announced as a dead letter and is none")
    for name, contents in announced.items():
        if len(contents) > 1:
            yield Anomaly(Kind.INCONSISTENT, f"{len(contents)} different announcements of the dead letter {name}")


def _cursors(state: State) -> Iterator[Anomaly]:
    """A cursor that goes back was written by a replica that had lost its mailbox."""
    for one in state.moves:
        if one.after < one.before:
            where = f"{one.mailbox} {one.folder} {one.uidvalidity}"
            yield Anomaly(Kind.NONMONOTONIC, f"the cursor of {where} went from {one.before} back to {one.after}")


def told(records: Iterable[Record], stored: dict[str, int], what: str, missing: Kind) -> Iterator[Anomaly]:
    """
    Events of one object: each version once or repeated as it was, new ones in order, the last one the store's.

    A repeated version may come after a later one: whoever reads events drops what is not newer.
    """
    contents: dict[tuple[str, int], str] = {}
    newest: dict[str, int] = {}
    for record in sorted(records, key=lambda one: (one.partition, one.offset)):
        key = (record.about, record.version)
        if key not in contents:
            if record.version < newest.get(record.about, 0):
                yield Anomaly(
                    Kind.NONMONOTONIC,
                    f"version {record.version} of {what} {record.about} was first told after {newest[record.about]}",
                )
            newest[record.about] = max(record.version, newest.get(record.about, 0))
        if contents.setdefault(key, record.digest) != record.digest:
            yield Anomaly(Kind.DUPLICATE, f"version {record.version} of {what} {record.about} was told differently")
    for about, version in stored.items():
        if newest.get(about, 0) < version:
            yield Anomaly(missing, f"version {version} of {what} {about} was never told")
    for about, version in newest.items():
        if stored.get(about, 0) < version:
            yield Anomaly(Kind.ABORTED_READ, f"version {version} of {what} {about} was told and is not stored")
