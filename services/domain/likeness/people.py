"""Who wrote a mail and whom it greets, as words that can be compared."""

import re
from collections.abc import Iterator

from services.domain.addresses import normalise
from services.domain.likeness.wordings import NO_NAMES
from services.domain.message import Mailbox, Message

MOST_NAMES = 3
"""How many names of a sender are kept."""

_WORD = re.compile(r"[^\W\d_]{3,}")
_GREETING = re.compile(
    r"\s*(?:(?:hi|hello|hey|dear|good \w+|thanks?(?: you)?|many thanks|hallo|liebe[rs]?|guten \w+|sehr geehrte[rs]?|"
    r"bonjour|cher|chère|salut|hola|estimad[oa]|buen\w+ \w+|ciao|gentile|caro|cara|olá|prezad[oa]|beste|hej|hei|cześć|"
    r"witam|привет|здравствуйте)[ ,!]{1,3})?([^\n>:.,!]{2,40})[,:.!-]{0,3}(?:\s|$)",
    re.IGNORECASE,
)


def sender_of(mail: Message) -> Mailbox:
    """Return who wrote: behind a list that puts its own address into From, the first of Reply-To."""
    first = mail.from_[0] if mail.from_ else Mailbox("", "")
    if mail.reply_to and (" via " in first.name or first.address in {one.address for one in (*mail.to, *mail.cc)}):
        return Mailbox(first.name, mail.reply_to[0].address)
    return first


def person(mailbox: Mailbox) -> str:
    """Return what tells a person from others: the address, or the name where there is none."""
    return normalise(mailbox.address) or f"name {mailbox.name.casefold()}"


def names(mailbox: Mailbox) -> Iterator[str]:
    """Yield the words that an attribution would name this person by, at most :data:`MOST_NAMES`."""
    name = mailbox.name[:200] or mailbox.address.partition("@")[0][:200]
    yield from [word for word in _WORD.findall(name.casefold()) if word not in NO_NAMES][:MOST_NAMES]


def greeted(text: str) -> list[str]:
    """Return the words of a greeting at the start of a text, names among them."""
    found = _GREETING.match(text[:400])
    return [word for word in _WORD.findall(found[1].casefold()) if word not in NO_NAMES][:4] if found else []
