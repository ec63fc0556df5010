"""Mail that no cursor stands for, imported or pushed: its delivery row alone says that it was taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from services.domain.message import Message
from services.fetcher import deliveries
from services.fetcher.handover import Arrival, Parse, hand_over, read
from services.fetcher.polling import Ports
from services.fetcher.unwrapping import unwrap


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: the messages that are new, and how many deliveries were known."""

    messages: list[Message]
    known: int


def take_new(ports: Ports, arrivals: Sequence[Arrival], parse: Parse = read) -> Taken:
    """
    Hand over what has no delivery row yet, each id once. Blocks until it is committed.

    What came to a forward mailbox is unwrapped before ``parse`` is given its content. Whatever is raised, the same call
    may be made again.
    """
    known = deliveries.handled(ports.database, [a.id for a in arrivals], {a.mailbox for a in arrivals})
    new = {a.id: a for a in arrivals if a.id not in known}
    messages: list[Message] = []
    if new:
        plain = [a for a in new.values() if not ports.collects(a.mailbox)]
        unwrapped = unwrap([a for a in new.values() if ports.collects(a.mailbox)], ports.blobs)
        commit = partial(deliveries.add, ports.database)
        messages = hand_over(
            [*plain, *unwrapped], blobs=ports.blobs, send=ports.send, commit=commit, now=ports.now(), parse=parse
        )
    return Taken(messages, len(arrivals) - len(new))
