"""Which parts of a mail become attachments of its activity, and why others do not (domain rule 6)."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from services.domain.message import Message, Part

KB = 1024


class Reason(StrEnum):
    """Why a part is dropped."""

    BLOCKED_NAME = "BlockedName"
    BLOCKED_CONTENT = "BlockedContent"
    TOO_LARGE = "TooLarge"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentLimits:
    """What the settings allow: the largest file, and the extensions of files that are kept out."""

    max_kb: int = 5120
    blocked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Dropped:
    """A part that is no attachment; ``detail`` is what decided: the extension, or the limit in KB."""

    part: Part
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Attachments:
    """The parts of a mail that are no body: each of them is kept or dropped."""

    kept: tuple[Part, ...]
    dropped: tuple[Dropped, ...]


def attachments_of(message: Message, limits: AttachmentLimits) -> Attachments:
    """
    Return what is kept and what is dropped, in the order of the mail. The first line that holds decides:

    | the part                                                              | becomes                   |
    |-----------------------------------------------------------------------|---------------------------|
    | has a blocked extension in its decoded name                           | dropped, `BlockedName`    |
    | begins like a file of a blocked extension, whatever its name          | dropped, `BlockedContent` |
    | is the sealed content of an encrypted or signed mail, or a signature  | kept, whatever its size   |
    | is larger than the limit                                              | dropped, `TooLarge`       |
    | is anything else                                                      | kept                      |

    Images inside the text are judged alike. A message in the message, and what is encrypted, is one part: it is not
    looked into, so nothing is taken out of it. What a clear signature covers is judged like all else: anybody can sign.
    The mail itself is filed in any case, and as raw mail it stays whole, so that a signature can still be checked.
    """
    parts = message.attachments
    sealed = _sealed(parts)
    kept: list[Part] = []
    dropped: list[Dropped] = []
    for part in parts:
        against = _against(part, limits, sealed=part.path in sealed)
        if against is None:
            kept.append(part)
        else:
            dropped.append(Dropped(part, *against))
    return Attachments(tuple(kept), tuple(dropped))


def _against(part: Part, limits: AttachmentLimits, *, sealed: bool) -> tuple[Reason, str] | None:
    named = extension(part.filename)
    if named in limits.blocked:
        return Reason.BLOCKED_NAME, named
    if part.sniffed in limits.blocked:
        return Reason.BLOCKED_CONTENT, part.sniffed
    if sealed or part.size <= limits.max_kb * KB:
        return None
    return Reason.TOO_LARGE, str(limits.max_kb)


def extension(name: str) -> str:
    """
    Return what Windows takes for the extension of a file of that name: small letters, no dot, empty for none.

    It drops dots and blanks at the end, and the name of the main stream; "setup.exe. ::$DATA" is a program.
    """
    written = name
    if not name.isascii():
        written = unicodedata.normalize("NFKC", name)
        written = "".join(c for c in written if unicodedata.category(c) != "Cf")  # has no width, so nobody sees it
    written = written.casefold().rstrip(" .").removesuffix("::$data").rstrip(" .")
    _, dot, last = written.rpartition(".")
    return last.strip() if dot else ""


# RFC 8551 section 3.2 and RFC 3156 section 5.
_SEALED: frozenset[str] = frozenset(
    {
        "application/pgp-encrypted",
        "application/pgp-signature",
        "application/pkcs7-mime",
        "application/pkcs7-signature",
        "application/x-pkcs7-mime",
        "application/x-pkcs7-signature",
    }
)


def _sealed(parts: Iterable[Part]) -> frozenset[str]:
    """Return the paths of what must stay whole: behind its control part, what OpenPGP has encrypted is any file."""
    found = {part.path for part in parts if part.content_type in _SEALED}
    control = [part.path for part in parts if part.content_type == "application/pgp-encrypted"]
    return frozenset(found | {f"{path[:-1]}2" for path in control if path.rpartition(".")[2] == "1"})
