"""Why a mail is not filed under a record."""

from collections.abc import Iterator

from services.domain.regardings import Source
from services.domain.why_not.evidence import answering, ids, lacking, pieces
from services.domain.why_not.facts import Answer, Asked, Kept, Place, Pointed, listed, named


def regarding(kept: Kept, asked: Asked) -> Answer:
    """Return whether the mail is filed under the record, or what would have had to be true for that."""
    hangs = kept.filed.regardings if kept.filed is not None else ()
    now = next((one for one in hangs if one.record == asked.ref), None)
    if now is not None:
        how = {Source.FOLDER: "the rule of its folder gives it", Source.MANUAL: "a person has filed it there"}
        why = how.get(now.source, f"<{kept.answers}>, which it answers, is filed under it" if kept.answers else "")
        return Answer(Place.REGARDING, True, (f"It is filed under {named(asked.ref)}" + (f": {why}." if why else "."),))
    return Answer(Place.REGARDING, False, tuple(_lacking(kept, asked)))


def _lacking(kept: Kept, asked: Asked) -> Iterator[str]:
    who = named(asked.ref)
    if kept.filed is None:
        yield f"The mail would have had to be filed at all: it is not ({kept.outcome})."
    if kept.filed is not None and asked.ref in kept.filed.taken_away:
        yield f"A person has taken it away from {who}: only a person files it there again."
        return
    if asked.folders:
        yield f"It would have had to lie in a folder whose rule gives {who}: {listed(asked.folders)}."
    else:
        yield f"A rule of its folder would have had to give {who}: no folder has such a rule."
    yield from _by_answer(kept, asked)


def _by_answer(kept: Kept, asked: Asked) -> Iterator[str]:
    who = named(asked.ref)
    under = {one.message_id for one in kept.pointed if asked.ref in one.regardings}
    if kept.answers in under:
        if not kept.verified:
            yield (
                f"The sender would have had to belong to the conversation of <{kept.answers}>, which is filed under"
                f" {who}: from an unverified sender nothing follows."
            )
        else:
            yield f"<{kept.answers}>, which it answers, is filed under {who} by now: decided again, it would be too."
        return
    near = [one for one in pieces(kept.looked) if not one.counts and under.intersection(ids(one))]
    if near:
        yield from (lacking(one) for one in near)
    elif kept.answers is None:
        yield from answering(kept.looked, f"a message that is filed under {who}")
    else:
        answered = next((one for one in kept.pointed if one.message_id == kept.answers), None)
        yield f"<{kept.answers}>, which it answers, would have had to be filed under {who}{_instead(answered)}."


def _instead(answered: Pointed | None) -> str:
    if answered is None:
        return ""
    if not answered.tracked:
        return ": it is not filed"
    records = listed(tuple(named(one) for one in answered.regardings))
    return f": it is filed under {records}" if records else ": it is filed under no record"
