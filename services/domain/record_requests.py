"""
Whether the CRM is asked to make a record for the unknown sender of a mail that is filed (domain rule 4.8).

Records that nobody wanted are a burden, so whatever speaks against a person behind the address counts.
Whether it was asked for before is not told here: that is kept, for good.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from services.domain.addresses import domain_of, normalise
from services.domain.authentication import Authentication, authenticated
from services.domain.decide import Decision
from services.domain.facts import Facts, principals_at
from services.domain.kinds.rules import MailKind
from services.domain.message import Mailbox
from services.domain.sender_gate import PUBLIC_PROVIDERS

NONE = "none"
IMPORT = "import"
FOR = "nobody is behind the address of the sender"
ASKED = "it was asked for before"
LONGEST_NAME = 200
LONGEST_ADDRESS = 254
"""Characters that an address may have (RFC 5321 section 4.5.3.1.3)."""

_PERSONS = frozenset({MailKind.ORDINARY, MailKind.INVITATION})
_ADDRESS = re.compile(r"[^@\s<>\x00-\x1f\x7f]{1,64}@[^@\s<>\x00-\x1f\x7f.]+(?:\.[^@\s<>\x00-\x1f\x7f.]+)+")
# Whole words of the local part, whatever stands between them, or their beginning where nothing else does.
_NO_PERSON = re.compile(
    r"(?:^|[._+-])(?:(?:no|not|dont|donot|do[._-]?not|never)[._-]?(?:reply|respond|answer)|noreply\w*|"
    r"(?:nicht|keine)[._-]?antwort\w*|nepasrepondre|ne-pas-repondre|no-?responder|no-?contestar|"
    r"mailer[._-]?daemon|postmaster|hostmaster|abuse|bounces?|autoreply|auto[._-]?(?:reply|response|mailer)|"
    r"notifications?|notify|alerts?|daemon|root|www-data|undisclosed[._-]?recipients?|devnull|unsubscribe|"
    r"(?:owner|request)(?=-)|(?<=-)(?:owner|request|bounces))(?:$|[._+=-]|\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Request:
    """What the CRM is asked for: a record of this type with this address, which the mail gives this name."""

    type: str
    address: str
    name: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is asked for, or None, and why."""

    request: Request | None
    why: str


def unknown_sender(facts: Facts, decision: Decision, *, source: str, own: str | None = None) -> Answer:
    """
    Say whether a record is asked for, for the sender of an accepted incoming mail behind whom nobody is.

    ``source`` is where the mail came from: an import is mail of the past. ``own`` is what the user or queue has
    chosen for whom it is filed, within what the organisation allows at all.
    """
    sender = facts.message.from_[0] if facts.message.from_ else Mailbox("", "")
    address = normalise(sender.address)
    against = next((why for why in _against(facts, decision, address, source, own) if why), "")
    if against:
        return Answer(None, against)
    return Answer(Request(own or facts.policy.auto_create, address, sender.name[:LONGEST_NAME]), FOR)


def _against(facts: Facts, decision: Decision, address: str, source: str, own: str | None) -> Iterable[str]:
    """Yield what speaks against it, the first reason that is none empty counts."""
    local = address.rpartition("@")[0]
    yield "resolve.autoCreate is none" if facts.policy.auto_create == NONE else ""
    yield "for whom it is filed wants none (autoCreate)" if own == NONE else ""
    yield "several records have the address, or one that is no longer active" if facts.records_at(address) else ""
    ours = facts.owner_of(address) or facts.alias_of(address)
    yield "the address is that of a mailbox of ours, or another one of a user or queue" if ours else ""
    yield "" if len(address) <= LONGEST_ADDRESS and _ADDRESS.fullmatch(address) else "the sender has no usable address"
    yield "" if decision.kind in _PERSONS else f"it is {decision.kind} mail"
    yield "the address is not a person's" if _NO_PERSON.search(local) else ""
    yield "the sender takes no bounces" if ("return-path", "<>") in _stripped(facts) else ""
    yield "the address is in a domain of ours" if _internal(facts, domain_of(address)) else ""
    refuted = authenticated(address, facts.message.headers, facts.policy.trusted_authserv) == Authentication.FAILED
    yield "the address in From is refuted by a server that is trusted" if refuted else ""
    yield "" if decision.correlation.verified else "the sender does not belong to the conversation that it points at"
    yield "it was imported" if source == IMPORT else ""


def _stripped(facts: Facts) -> frozenset[tuple[str, str]]:
    return frozenset((name, value.strip()) for name, value in facts.message.headers if name == "return-path")


def _internal(facts: Facts, domain: str) -> bool:
    """Whether a domain is one of ours or lies below one: of a mailbox, or of a user or queue that the mail names."""
    recipients = (normalise(one.address) for one in (*facts.message.to, *facts.message.cc))
    named = (one for one in recipients if principals_at(facts, one))
    ours = {domain_of(one) for one in (facts.mailbox, *facts.mailbox_owners, *named)} - PUBLIC_PROVIDERS - {""}
    return any(domain == one or domain.endswith("." + one) for one in ours)
