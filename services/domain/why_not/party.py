"""Why a record is no party of a mail."""

from collections.abc import Iterator

from services.domain.directory import USER
from services.domain.parties import Party, Role
from services.domain.why_not.facts import Answer, Asked, Kept, Place, listed, named


def party(kept: Kept, asked: Asked) -> Answer:
    """Return whether the record takes part in the mail, or what would have had to be true for that."""
    parties = kept.filed.parties if kept.filed is not None else ()
    roles = tuple(dict.fromkeys(str(one.role) for one in parties if asked.ref in one.records))
    if roles:
        return Answer(Place.PARTY, True, (f"{named(asked.ref)} takes part: {listed(roles)}.",))
    return Answer(Place.PARTY, False, tuple(_lacking(kept, asked)))


def _lacking(kept: Kept, asked: Asked) -> Iterator[str]:
    who = named(asked.ref)
    if kept.filed is None:
        yield (
            f"The mail would have had to be filed: it is not ({kept.outcome}), and no addresses are kept of such mail,"
            " so who takes part in it cannot be told."
        )
    if asked.active is None:
        yield f"The directory would have had to have {who}: it has no such record."
        return
    if not asked.addresses:
        yield f"{who} would have had to have an address in the directory: it has none."
        return
    if asked.active is False and asked.ref.type == USER:
        yield f"{who} would have had to be active: a disabled user is no recipient."
    shared = [one for one in (kept.filed.parties if kept.filed else ()) if one.address in asked.addresses]
    if shared:
        yield from (_lost(one, who) for one in shared)
    else:
        verb = "has none of them" if kept.filed else "may have them"
        yield f"From, To, Cc or Bcc would have had to name an address of {who}: {listed(asked.addresses)}; it {verb}."


def _lost(one: Party, who: str) -> str:
    place = f"{one.role} {one.address}"
    if not one.records:
        return (
            f"{place} is unresolved: {who} would have had to have the address when the mail was filed, and nobody else"
            " where the settings leave shared addresses unresolved."
        )
    others = listed(tuple(named(ref) for ref in one.records))
    if one.role == Role.FROM:
        return (
            f"{place} is taken for {others}: a sender is one record. {who} would have had to come before it: owned by"
            " the mailbox's owner, else by its type (user, contact, account, lead), else as the older record."
        )
    return f"{place} is taken for {others}: {who} would have had to have the address when the mail was filed."
