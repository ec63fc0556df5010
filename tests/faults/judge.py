"""One pure function over the whole history and what it left: everything that is wrong, or nothing."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.faults.anomalies import Anomaly, Kind
from tests.faults.evidence import Evidence
from tests.faults.history import Append
from tests.faults.judge_alerts import alert_anomalies
from tests.faults.judge_places import place_anomalies
from tests.faults.judge_streams import stream_anomalies
from tests.faults.mails import ACCEPTED, DUPLICATE, Plan
from tests.faults.state import State


def judge(plan: Plan, history: Sequence[Append], state: State) -> list[Anomaly]:
    """
    Return every anomaly, sorted. Operations of unknown outcome count as having happened once or not at all.

    What is missing counts as lost when the run was quiet, else as unseen.
    """
    found = Evidence(plan, history, state)
    missing = Kind.LOST_WRITE if state.quiet else Kind.UNSEEN
    checks = (
        place_anomalies(found, missing),
        _answers(found, missing),
        _activities(found, missing),
        _accepted(found, missing),
        _parties(found, missing),
        _queue_items(found, missing),
        _unique(found),
        _threads(found, missing),
        stream_anomalies(state, missing),
        alert_anomalies(state, missing),
    )
    return sorted({one for check in checks for one in check})


def _answers(found: Evidence, missing: Kind) -> Iterator[Anomaly]:
    """Each delivery has one current decision or a dead letter, and in each place one copy gets the rules' answer."""
    answers: dict[tuple[str, str, str], list[str]] = {}
    for one in found.state.taken:
        decisions = found.current.get(one.delivery, [])
        if not decisions:
            yield Anomaly(missing, f"delivery {one.delivery} of {found.mark(one.sha256)} has no decision")
        if len(decisions) > 1:
            yield Anomaly(Kind.DUPLICATE, f"{len(decisions)} current decisions about delivery {one.delivery}")
        if decisions:
            where = (found.mark(one.sha256), one.place.mailbox, one.place.folder)
            answers.setdefault(where, []).append(decisions[0].outcome)
    for (mark, mailbox, folder), outcomes in answers.items():
        firsts = [outcome for outcome in outcomes if outcome != DUPLICATE]
        expected = found.expected(mark, mailbox, folder)
        if len(firsts) > 1:
            yield Anomaly(Kind.DUPLICATE, f"{len(firsts)} answers to {mark} in {mailbox} {folder}")
        if expected is not None and firsts != [expected] * len(firsts):
            yield Anomaly(Kind.UNEXPECTED, f"{mark} in {mailbox} {folder} is {firsts}, not {expected}")
        if not firsts:
            yield Anomaly(Kind.UNEXPECTED, f"{mark} in {mailbox} {folder} has no copy that is no duplicate")


def _activities(found: Evidence, missing: Kind) -> Iterator[Anomaly]:
    made: Counter[tuple[str, str]] = Counter()
    for one in found.state.activities:
        mark = found.mark_of_message.get(one.message, "")
        mail = found.mails.get(mark)
        if mail is None or mail.refused:
            yield Anomaly(Kind.ABORTED_READ, f"activity {one.id} belongs to no mail that was appended")
            continue
        made[mark, one.direction] += 1
        if one.direction not in mail.directions:
            yield Anomaly(Kind.UNEXPECTED, f"{mark} has an {one.direction} activity")
    for (mark, direction), count in made.items():
        if count > 1:
            yield Anomaly(Kind.DUPLICATE, f"{count} {direction} activities of {mark}")
    wanted = {(mark, direction) for mark in found.appended for direction in found.mails[mark].directions}
    for mark, direction in wanted - made.keys():
        yield Anomaly(missing, f"{mark} has no {direction} activity")


def _accepted(found: Evidence, missing: Kind) -> Iterator[Anomaly]:
    """What was accepted names an activity that exists."""
    ids = {one.id for one in found.state.activities}
    for one in found.state.decisions:
        if one.current and one.outcome == ACCEPTED and one.activity not in ids:
            yield Anomaly(missing, f"activity {one.activity} of delivery {one.delivery} does not exist")


def _parties(found: Evidence, missing: Kind) -> Iterator[Anomaly]:
    counted: dict[str, dict[tuple[str, str], int]] = {}
    for activity, role, address in found.state.parties:
        about = counted.setdefault(activity, {})
        about[role, address] = about.get((role, address), 0) + 1
    for one in found.state.activities:
        mail = found.mails.get(found.mark_of_message.get(one.message, ""))
        parties = counted.pop(one.id, {})
        for (role, address), count in parties.items():
            if count > 1:
                yield Anomaly(Kind.DUPLICATE, f"{count} parties {role} {address} of activity {one.id}")
        if mail is None:
            continue
        for role, address in mail.parties:
            if (role, address) not in parties:
                yield Anomaly(missing, f"activity {one.id} of {mail.mark} lacks {role} {address}")
        for role, address in parties.keys() - {*mail.parties, ("owner", "")}:
            yield Anomaly(Kind.UNEXPECTED, f"activity {one.id} of {mail.mark} has {role} {address}")


def _queue_items(found: Evidence, missing: Kind) -> Iterator[Anomaly]:
    """Each queue that is to work on an activity has one item of it, whatever came again, and no other has one."""
    items: dict[str, Counter[str]] = {}
    for activity, queue in found.state.queue_items:
        items.setdefault(activity, Counter())[queue] += 1
    for one in found.state.activities:
        counted = items.pop(one.id, Counter())
        mail = found.mails.get(found.mark_of_message.get(one.message, ""))
        owed = mail.queues(one.direction) if mail else frozenset(counted)
        for queue, count in counted.items():
            if count > 1:
                yield Anomaly(Kind.DUPLICATE, f"{count} items of queue {queue} for activity {one.id}")
        for queue in owed - counted.keys():
            yield Anomaly(missing, f"activity {one.id} has no item for queue {queue}")
        for queue in counted.keys() - owed:
            yield Anomaly(Kind.UNEXPECTED, f"activity {one.id} has an item for queue {queue}")
    for activity in items:
        yield Anomaly(Kind.ABORTED_READ, f"a queue item belongs to activity {activity}, which does not exist")


def _unique(found: Evidence) -> Iterator[Anomaly]:
    """Whatever has a key has it alone; the constraints say so, and here they are not believed."""
    keyed: dict[str, Sequence[object]] = {
        "activity": [one.id for one in found.state.activities],
        "delivery of the fetcher": [one.delivery for one in found.state.taken],
        "place": [one.place for one in found.state.taken],
        "delivery of the resolver": [one.delivery for one in found.state.stored],
        "decision": [(one.delivery, one.version) for one in found.state.decisions],
        "request": list(found.state.requests),
        "dead letter": list(found.state.dead),
        "alert": [one.id for one in found.state.alerts],
    }
    for what, keys in keyed.items():
        seen: set[object] = set()
        for key in keys:
            if key in seen:
                yield Anomaly(Kind.DUPLICATE, f"{what} {key}")
            seen.add(key)


def _threads(found: Evidence, missing: Kind) -> Iterator[Anomaly]:
    """Mails that name the same ids have one thread, and others another."""
    expected = found.plan.threads()
    by_group: dict[str, set[int]] = {}
    by_thread: dict[int, set[str]] = {}
    for message, thread in found.state.threads:
        mark = found.mark_of_message.get(message)
        if mark in found.appended:
            by_group.setdefault(expected[mark], set()).add(thread)
            by_thread.setdefault(thread, set()).add(expected[mark])
    for group, threads in by_group.items():
        if len(threads) > 1:
            yield Anomaly(missing, f"the thread of {group} is torn into {sorted(threads)}")
    for thread, groups in by_thread.items():
        if len(groups) > 1:
            yield Anomaly(Kind.UNEXPECTED, f"thread {thread} holds the threads of {sorted(groups)}")
