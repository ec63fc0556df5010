"""
What people say an address is (domain rule 4.4).

Their word about a mail stands whatever the directory says, until it is taken back. A word about all mail counts where
nobody else is behind the address.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from services.domain.directory import RecordRef
from services.domain.parties import Party, Role


@dataclass(frozen=True, slots=True)
class Word:
    """The record that a person has named for an address, and the command by which they did."""

    command: UUID
    record: RecordRef


@dataclass(frozen=True, slots=True)
class Words:
    """What counts for one mail, by normalised address: what is said of it, and what is said of all mail."""

    own: Mapping[str, Word] = field(default_factory=dict)
    every: Mapping[str, Word] = field(default_factory=dict)

    def stands(self, address: str, command: UUID) -> bool:
        """Whether the word of this command still counts."""
        return any(
            word is not None and word.command == command for word in (self.own.get(address), self.every.get(address))
        )


NO_WORDS = Words()
Said: TypeAlias = Mapping[tuple[Role, str], UUID]
"""The parties of an activity that are resolved by a person's word, and by which command."""


def said_of(parties: tuple[Party, ...]) -> Said:
    """Return which of these parties are resolved by a word."""
    return {(party.role, party.address): party.said for party in parties if party.said is not None}


def applies_to_all(*, only_this: bool, apply_to_all: bool, unresolve_on_multiple: bool) -> bool:
    """
    Whether a word about one mail is one about all mail in which the address is unresolved.

    The switch is part of another one (domain rule 4.4): it counts only while an address that several records have is
    left unresolved.
    """
    return apply_to_all and unresolve_on_multiple and not only_this
