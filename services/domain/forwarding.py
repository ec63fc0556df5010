"""Whose mail it is that a forward mailbox received, which collects what others forward to it (domain rule 1.3)."""

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from services.domain.acceptance import Outcome
from services.domain.addresses import normalise
from services.domain.correlation import Looked
from services.domain.message import Mailbox, Message

RULES_LOOP = "x-ms-exchange-inbox-rules-loop"
_FORWARDED_BY = (RULES_LOOP, "x-forwarded-for", "resent-from", "resent-sender")
_DELIVERED_TO = ("delivered-to", "x-original-to")
_ADDRESS = re.compile(r"[^\s<>\"(),;:]+@[^\s<>\"(),;:]+")
_MOST_ADDRESSES = 100  # of one header
_AUTOMATIC = ("auto-generated", "auto-forwarded")  # an answer ("auto-replied") is a message of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapper:
    """
    The mail that a forward mailbox received, as far as it says who forwarded it.

    ``messages`` counts the messages found in it; with 0 it was forwarded otherwise than as an attachment, and the
    message is the mail itself. ``blob_sha256`` is hex, and empty when that mail is not stored besides the message.
    """

    blob_sha256: str
    messages: int
    from_: tuple[Mailbox, ...]
    sender: tuple[Mailbox, ...]
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Attribution:
    """For which mailbox a message was forwarded, or the reason why for none; and what was looked at."""

    mailbox: str | None
    outcome: Outcome | None
    looked: tuple[Looked, ...]


def wrapper_of(mail: Message, *, messages: int, blob_sha256: str) -> Wrapper:
    """Return a mail as the wrapper of the messages in it."""
    return Wrapper(
        blob_sha256=blob_sha256, messages=messages, from_=mail.from_, sender=mail.sender, headers=mail.headers
    )


def unusual(wrapper: Wrapper) -> str:
    """Return the code of the alert that is due where a mail does not hold exactly one message; else nothing."""
    if wrapper.messages == 1:
        return ""
    return "forward_several" if wrapper.messages else "forward_not_wrapped"


def attribute(wrapper: Wrapper, message: Message, forwarding: Container[str]) -> Attribution:
    """
    Return for which mailbox a message was forwarded; ``forwarding`` are those that receive by a forward mailbox.

    No other mailbox is ever returned, so that nobody can file mail for one that did not ask for it. The first one
    counts that is named by, in this order: what the forwarding server wrote into the wrapper, and its Resent-From;
    its Sender and From; To and Cc of the message; what the receiving server wrote into the message.
    """
    if not wrapper.messages:
        why = "the mail was not forwarded as an attachment"
        return Attribution(None, Outcome.FORWARD_NOT_WRAPPED, (Looked("forward", "", None, counts=True, why=why),))
    several = (
        (Looked("forward", "", None, counts=False, why=f"{wrapper.messages} messages came in one mail"),)
        if wrapper.messages > 1
        else ()
    )
    for place, address in _named(wrapper, message):
        if address in forwarding:
            why = f"{address} receives by a forward mailbox"
            found = Looked("forward", place, f"mailbox/{address}", counts=True, why=why)
            return Attribution(address, None, (*several, found))
    why = "neither the mail around it nor the message names a mailbox that receives by a forward mailbox"
    unknown = Looked("forward", "", None, counts=True, why=why)
    return Attribution(None, Outcome.FORWARD_OWNER_UNKNOWN, (*several, unknown))


def addresses_named(wrapper: Wrapper, message: Message) -> frozenset[str]:
    """Return the normalised addresses among which a mailbox is looked for."""
    return frozenset(address for _, address in _named(wrapper, message))


def is_relayed(message: Message) -> bool:
    """
    Whether a message found in a mail is itself only the wrapper of another one: a forwarder's forwarder made it.

    That needs the mark of a rule, one attached message and no text: what a person forwards as an attachment is the
    message, and so is a report about an undelivered mail.
    """
    headers = dict(reversed(message.headers))
    automatic = headers.get("auto-submitted", "").partition(";")[0].strip().lower() in _AUTOMATIC
    report = headers.get("content-type", "").strip().lower().startswith("multipart/report")
    alone = len(message.attachments) == 1 and not message.body_text.strip()
    return alone and not report and (automatic or RULES_LOOP in headers)


def _named(wrapper: Wrapper, message: Message) -> Iterator[tuple[str, str]]:
    """Yield place and normalised address, in the order in which they count."""
    for name in _FORWARDED_BY:
        yield from _in_headers(f"wrapper {name}", name, wrapper.headers)
    yield from _in_mailboxes("wrapper sender", wrapper.sender)
    yield from _in_mailboxes("wrapper from", wrapper.from_)
    yield from _in_mailboxes("to", message.to)
    yield from _in_mailboxes("cc", message.cc)
    for name in _DELIVERED_TO:
        yield from _in_headers(name, name, message.headers)


def _in_headers(place: str, wanted: str, headers: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        if name == wanted:
            for found in _ADDRESS.findall(value)[:_MOST_ADDRESSES]:
                yield place, normalise(found)


def _in_mailboxes(place: str, mailboxes: Sequence[Mailbox]) -> Iterator[tuple[str, str]]:
    for mailbox in mailboxes:
        yield place, normalise(mailbox.address)
