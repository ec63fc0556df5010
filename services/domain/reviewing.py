"""What a decision asks a person about, beside what it decides."""

from collections.abc import Iterable, Sequence

from services.domain.correlation import Review, ReviewKind, Target, TrackedAs
from services.domain.directory import RecordRef
from services.domain.identity import Direction
from services.domain.judging import Judged
from services.domain.surroundings import Surroundings

MOST_REVIEWS = 10


def activity_answered(target: Target, direction: Direction) -> TrackedAs:
    """Return the activity that a mail answers: the one that went the other way, where there are two."""
    return min(target.activities, key=lambda a: (a.direction == direction, a.direction))


def contradictions(
    judged: Iterable[Judged], chosen: Target, direction: Direction, around: Surroundings
) -> list[Review]:
    """
    Return what to ask although a target was chosen: what was ambiguous, and what contradicts it.

    That is strong evidence for a message that has no record in common with the chosen one and is unrelated to it by
    ancestry.
    """
    mine = _records(activity_answered(chosen, direction))
    found: list[Review] = []
    for one in judged:
        found += one.reviews
        if not mine or one.target is None or not one.hard or one.target.message_key == chosen.message_key:
            continue
        theirs = _records(activity_answered(one.target, direction))
        if not theirs or mine & theirs or around.related(chosen, one.target):
            continue
        why = "strong evidence points at two conversations that are filed under different records"
        found.append(Review(ReviewKind.CONTRADICTION, one.target.message_key, one.confidence, why))
    return found


def _records(activity: TrackedAs) -> frozenset[RecordRef]:
    return frozenset(one.record for one in activity.regardings)


def in_order(reviews: Sequence[Review]) -> tuple[Review, ...]:
    """Return at most one review for each kind and message, the surest first."""
    surest = sorted(reviews, key=lambda r: (r.kind, -r.confidence, r.target.int))
    unique = {(one.kind, one.target): one for one in reversed(surest)}
    return tuple(sorted(unique.values(), key=lambda r: (r.kind, -r.confidence, r.target.int)))[:MOST_REVIEWS]
