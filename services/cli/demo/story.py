"""What became of the demonstration's mails, in words."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from services.cli import sentences
from services.cli.demo.material import Post
from services.cli.output import printable
from services.domain.identity import canonical_id
from services.domain.message import MessageId
from services.storage.reports.explain import Explained, Explanation

_MESSAGE_ID = re.compile(rb"^Message-ID:[ \t]*(.+?)\r?$", re.IGNORECASE | re.MULTILINE)


def ids_of(posts: Iterable[Post]) -> list[MessageId]:
    """Return the Message-IDs that our mails carry, each once; a mail without one has none here."""
    found: dict[MessageId, None] = {}
    for post in posts:
        written = _MESSAGE_ID.search(post.raw.partition(b"\r\n\r\n")[0])
        one = canonical_id(written[1].decode("ascii", "replace")) if written else None
        if one is not None:
            found[one] = None
    return list(found)


def reasons(explanations: Iterable[Explanation]) -> Mapping[str, Sequence[str]]:
    """Return by activity why it was filed, and what else was said before an earlier mail became known."""
    said: dict[str, list[str]] = {}
    for message in explanations:
        for delivery in message["deliveries"]:
            if delivery["activity_id"] is not None and delivery["outcome"] == "accepted":
                lines = said.setdefault(delivery["activity_id"], [])
                lines.extend(line for line in _history(delivery) if line not in lines)
                if message["flagged"]:
                    lines.append("Flagged: another message with another sender has the same Message-ID.")
    return said


def _history(delivery: Explained) -> Iterator[str]:
    now = sentences.outcome(delivery)
    yield now
    for earlier in delivery["history"]:
        then = sentences.outcome(earlier)
        if then != now:
            yield f"Before that: {then}"


def unfiled(explanations: Iterable[Explanation]) -> Iterator[str]:
    """Yield the lines about deliveries that were not filed: where, what, and every filter's answer."""
    for message in explanations:
        for delivery in message["deliveries"]:
            if delivery["outcome"] == "accepted":
                continue
            yield f"  <{printable(message['message_id'] or '?')}> in {sentences.place(delivery)}"
            yield f"    {sentences.outcome(delivery)}"
            yield from (f"      - {line}" for line in sentences.evidence(delivery))
