"""The part of the judgement about places: what lies on the mail server against what was taken from there."""

from collections.abc import Iterator

from tests.faults.anomalies import Anomaly, Kind
from tests.faults.evidence import Evidence
from tests.faults.history import Ended, Place


def place_anomalies(found: Evidence, missing: Kind) -> Iterator[Anomaly]:
    """Each mail that is there for sure is taken once; what is taken was appended, and nowhere else."""
    yield from _contents(found)
    taken = {one.place for one in found.state.taken}
    for append in found.history:
        if append.ended == Ended.OK and append.place not in taken:
            yield Anomaly(missing, f"{append.mark} was appended at {append.place} and never taken")
    possible = found.possible
    for one in found.state.taken:
        mail = found.plan.by_content.get(one.sha256)
        if mail is None:
            yield Anomaly(Kind.INCONSISTENT, f"{one.place} holds a mail that nobody appended")
        elif (mail.mark, one.place.mailbox, one.place.folder) not in possible:
            yield Anomaly(Kind.ABORTED_READ, f"{mail.mark} at {one.place}, where appending it failed")
    for where, count in found.copies.items():
        if count > possible[where] > 0:
            yield Anomaly(Kind.DUPLICATE, f"{count} deliveries of {' '.join(where)}")


def _contents(found: Evidence) -> Iterator[Anomaly]:
    """A place holds one content, whoever says so."""
    contents: dict[Place, set[str]] = {}
    told = [(one.place, one.sha256) for one in found.history if one.place]
    told += [(one.place, one.sha256) for one in found.state.taken]
    told += [(one.place, one.sha256) for one in found.state.stored]
    for place, sha256 in told:
        contents.setdefault(place, set()).add(sha256)
    for place, hashes in contents.items():
        if len(hashes) > 1:
            yield Anomaly(Kind.INCONSISTENT, f"{len(hashes)} contents at {place}")
