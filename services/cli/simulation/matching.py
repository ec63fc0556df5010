"""Links between given mails that ids leave alone, in compatible mode: by the product's matching of hashes."""

from collections.abc import Mapping
from uuid import UUID

from services.cli.simulation.likening import Link, answered, ordered
from services.cli.simulation.placing import KEY, Placing
from services.domain.correlation_rules import LINES, Mode
from services.domain.evidence import Kind
from services.domain.smart_index import SmartIndex
from services.domain.smart_matching import Indexed, Parameters, hashes_of
from services.resolver.stripping import strip_all


def match(placing: Placing, parameters: Parameters) -> Mapping[UUID, Link]:
    """
    Return the links, by message key: each mail looks at those before it, by Date.

    A mail has one only where no id names a mail that is given.
    """
    _, rule = LINES[Mode.COMPATIBLE][Kind.SMART_MATCHING]
    given = {arrival.id_key: arrival.delivered.message_key for arrival in placing.arrivals}
    mails = ordered(placing)
    index: SmartIndex[UUID] = SmartIndex()
    links: dict[UUID, Link] = {}
    stripped = strip_all(parameters.noise, [arrival.message.subject for arrival in mails])
    for arrival, subject in zip(mails, stripped, strict=True):
        key = arrival.delivered.message_key
        sent = arrival.message.date or arrival.delivered.internal_date
        own = Indexed(key, sent, hashes_of(arrival.message, subject, parameters.max_count, key=KEY))
        found = None if answered(arrival, given) else index.find(own.hashes, sent, parameters)
        if found is not None:
            links[key] = Link(found.key, rule.name, rule.confidence or 0.0)
        index.add(own)
    return links
