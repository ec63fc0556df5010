"""
Whether a sender may act for the conversation that its mail points at.

Evidence shows that somebody has had a mail of the conversation in hand. Who that is, it does not show: every copy and
every forward passes it on. So the sender is looked at by itself.
"""

from collections.abc import Collection
from dataclasses import dataclass

from services.domain.addresses import domain_of
from services.domain.authentication import Authentication, related
from services.domain.sender_verdict import SenderVerdict

PUBLIC_PROVIDERS = frozenset({
    "126.com", "163.com", "aol.com", "fastmail.com", "free.fr", "gmail.com", "gmx.at", "gmx.de", "gmx.net",
    "googlemail.com", "hotmail.com", "icloud.com", "libero.it", "live.com", "mac.com", "mail.com", "mail.ru", "me.com",
    "msn.com", "orange.fr", "outlook.com", "pm.me", "proton.me", "protonmail.com", "qq.com", "seznam.cz", "t-online.de",
    "web.de", "wp.pl", "yahoo.co.uk", "yahoo.com", "yandex.ru", "ymail.com",
})  # fmt: skip
"""Domains in which an address says nothing of an organisation."""


@dataclass(frozen=True, slots=True)
class Sender:
    """
    The sender of a mail: the normalised address in From, and what trusted servers say of it.

    ``internal`` when it is an address of one of our users or queues.
    """

    address: str
    authentication: Authentication = Authentication.UNKNOWN
    internal: bool = False


@dataclass(frozen=True, slots=True)
class Admitted:
    """
    Who belongs to a conversation: the participants of its mails, and the addresses of the parties of its record.

    ``own`` are our addresses among them, whose colleagues are known by themselves.
    """

    participants: Collection[str]
    parties: Collection[str] = ()
    own: Collection[str] = ()


def verdict(sender: Sender, admitted: Admitted, *, same_organisation: bool) -> SenderVerdict:
    """
    Return what the gate says.

    Failed authentication comes first: the address in From is a claim, and this one is refuted. Then who takes part,
    belongs to the record or is one of us is plausible; with ``same_organisation`` so is a colleague of a participant.
    That a newcomer is who it says it is lets nobody in: whoever has a domain can prove it.
    """
    if sender.authentication == Authentication.FAILED:
        return SenderVerdict.FAILED
    others = {*admitted.participants, *admitted.parties}
    if sender.address in others or sender.internal:
        return SenderVerdict.PLAUSIBLE
    if same_organisation and _colleague(sender.address, others - set(admitted.own)):
        return SenderVerdict.PLAUSIBLE
    passed = sender.authentication == Authentication.PASSED
    return SenderVerdict.NEW_PARTICIPANT if passed else SenderVerdict.STRANGER


def _colleague(address: str, others: Collection[str]) -> bool:
    domain = domain_of(address)
    return domain not in PUBLIC_PROVIDERS and any(related(domain, domain_of(other)) for other in others)
