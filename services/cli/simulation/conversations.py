"""The conversations that mails form: one line per mail, its parent and its thread."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from uuid import UUID

from services.cli.simulation.likening import Link, joined
from services.cli.simulation.placing import Placing
from services.domain.correlation import Method, Pointer, TrackedAs
from services.domain.correlation_rules import Mode, Switches
from services.domain.features import features_of
from services.domain.identity import Direction
from services.domain.linking import correlate
from services.resolver.ledger import Ledger

_TRACKED = (TrackedAs(UUID(int=0), Direction.INCOMING, (), None),)


def lines(
    placing: Placing, ledger: Ledger, *, mode: Mode = Mode.BEST, links: Mapping[UUID, Link] = MappingProxyType({})
) -> Iterator[Mapping[str, object]]:
    """
    Yield for each mail ``message_id``, ``parent`` and ``thread`` (null and its own when it starts one), ``method``
    and ``confidence`` (null without a parent).

    A parent is what the mail would be correlated with in this mode if every mail were tracked. ``links`` give mails
    that ids leave alone the parent that they most probably answer.
    """
    threads = joined(placing, links)
    for arrival in placing.arrivals:
        key = arrival.delivered.message_key
        found = correlate(
            [_all_tracked(pointer) for pointer in ledger.pointers(key)],
            features_of(arrival.message, Direction.INCOMING),
            Switches(mode=mode),
        )
        link = links.get(key) if found.target is None else None
        if link is not None:
            yield {
                "message_id": placing.labels[key],
                "parent": placing.labels[link.target],
                "thread": f"t{threads[arrival.id_key]}",
                "method": Method.SMART_MATCHING,
                "confidence": link.confidence,
            }
            continue
        yield {
            "message_id": placing.labels[key],
            "parent": placing.labels[found.target.message_key] if found.target else None,
            "thread": f"t{threads[arrival.id_key]}",
            "method": found.method,
            "confidence": None if found.method == Method.NONE else found.confidence,
        }


def _all_tracked(pointer: Pointer) -> Pointer:
    return replace(pointer, targets=tuple(replace(target, activities=_TRACKED) for target in pointer.targets))
