"""Whether a mail forwards what it points at, instead of answering it."""

import re
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from services.domain.subjects import Prefix, SubjectKey

LOOKED_AT = 20_000
"""Characters of a text in which a forwarded message is looked for."""

_BLOCKS = (
    "forwarded message",
    "begin forwarded message",
    "forwarded by",
    "weitergeleitete nachricht",
    "anfang der weitergeleiteten nachricht",
    "weitergeleitet von",
    "message transféré",
    "début du message réexpédié",
    "mensaje reenviado",
    "inicio del mensaje reenviado",
    "messaggio inoltrato",
    "inizio messaggio inoltrato",
    "mensagem encaminhada",
    "início da mensagem encaminhada",
    "mensagem reencaminhada",
    "doorgestuurd bericht",
    "begin doorgestuurd bericht",
    "vidarebefordrat meddelande",
    "vidarebefordrat brev",
    "videresendt besked",
    "videresendt melding",
    "välitetty viesti",
    "przekazana wiadomość",
    "wiadomość przekazana dalej",
    "przeposlaná zpráva",
    "přeposlaná zpráva",
    "továbbított üzenet",
    "iletilmiş mesaj",
    "пересылаемое сообщение",
    "начало переадресованного сообщения",
    "转发的邮件",
    "转发邮件信息",
    "轉寄郵件",
    "転送されたメッセージ",
    "전달된 메일",
)
_BLOCK = re.compile(
    rf"^[-_= \t]{{0,60}}+(?:{'|'.join(map(re.escape, _BLOCKS))})\b[^\n]{{0,120}}$", re.IGNORECASE | re.MULTILINE
)
ENCLOSED = "message/rfc822"


@dataclass(frozen=True, slots=True)
class ForwardMarks:
    """The marks of a forward that one mail has, whatever it points at. One that is surely a reply has no others."""

    prefix: bool
    unsure_prefix: bool
    reply: bool
    enclosed: bool
    block: bool


def marks_of(subject: SubjectKey, content_types: Iterable[str], body: str) -> ForwardMarks:
    """Return the marks in a subject, among the types of the parts, and in the text, where it is not quoted."""
    if subject.prefixes[:1] == (Prefix.REPLY,):
        return ForwardMarks(prefix=False, unsure_prefix=False, reply=True, enclosed=False, block=False)
    return ForwardMarks(
        prefix=subject.forward,
        unsure_prefix=subject.prefixes[:1] == (Prefix.EITHER,),
        reply=False,
        enclosed=any(one.lower() == ENCLOSED for one in content_types),
        block=_BLOCK.search(body, 0, LOOKED_AT) is not None,
    )


def forwards(marks: ForwardMarks, recipients: AbstractSet[str], participants: AbstractSet[str]) -> str:
    """
    Return why a mail to ``recipients`` forwards a message with these ``participants``; empty when it does not.

    A forward mark before the subject is enough, and a reply mark rules it out. Without either, and with a mark that
    means both, it takes an original in the mail (attached or shown) and that nobody of the conversation is written to;
    for the unsure mark one of the two is enough.
    """
    if marks.reply:
        return ""
    if marks.prefix:
        return "its subject says that it is a forward"
    original = marks.enclosed or marks.block
    strangers = bool(recipients) and bool(participants) and not recipients & participants
    if marks.unsure_prefix and (original or strangers):
        return "its subject may say so, and what it holds or whom it is for says that it is a forward"
    if original and strangers:
        return "it holds the original and is for nobody of the conversation"
    return ""
