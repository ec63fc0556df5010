"""What the evidence of a mail lacked, in sentences."""

from collections.abc import Iterable, Mapping

from services.domain.correlation import Looked
from services.domain.evidence import Kind

_NOUNS: Mapping[str, str] = {
    Kind.IN_REPLY_TO: "In-Reply-To",
    Kind.REFERENCES: "References",
    Kind.OWN_TOKEN: "a token of our own",
    Kind.OWN_SUBJECT_TOKEN: "a token of our own in the subject",
    Kind.TRACKING_TOKEN: "the token in the subject",
    Kind.THREAD_INDEX: "the Thread-Index",
    Kind.SMART_MATCHING: "the product's matching of hashes",
    Kind.LIKENESS: "likeness",
    Kind.MANUAL: "a person's word",
}


def pieces(looked: Iterable[Looked]) -> tuple[Looked, ...]:
    """Return what points at messages, among everything that was looked at."""
    return tuple(one for one in looked if one.kind in _NOUNS)


def ids(piece: Looked) -> tuple[str, ...]:
    """Return the Message-IDs that a piece of evidence leads to, as far as they are known."""
    found = piece.points_to.split(", ") if piece.points_to else []
    if piece.kind in (Kind.IN_REPLY_TO, Kind.REFERENCES, Kind.MANUAL) and piece.value:
        found.append(piece.value)
    return tuple(dict.fromkeys(found))


def lacking(piece: Looked) -> str:
    """Say of one piece of evidence why it did not count."""
    leads = ids(piece)
    about = f" (<{leads[0]}>)" if leads else ""
    return f"What {_NOUNS[piece.kind]} says{about} would have had to count, and did not: {piece.why}."


def answering(looked: Iterable[Looked], wanted: str) -> tuple[str, ...]:
    """Say what would have made a mail answer what it does not; ``wanted`` says what that is."""
    found = pieces(looked)
    if not found:
        return (f"It would have had to answer {wanted}: neither its header nor its subject points at a message.",)
    return (f"It would have had to answer {wanted}.", *(lacking(one) for one in found if not one.counts))
