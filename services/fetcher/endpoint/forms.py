"""What goes over the wire between router and endpoint: JSON, checked field by field where it arrives."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, TypeAdapter, ValidationError, model_validator

from services.domain.identity import delivery_id_imap, delivery_id_pop3
from services.fetcher.deliveries import Passed
from services.fetcher.fetch import BATCH_MAILS
from services.fetcher.position import Position
from services.settings.declaring import Strict

VERSION = 2
"""Of what goes over the wire: raised when a router and an endpoint that differ in it would misunderstand each other."""
MOST_IDS = 5000
MOST_BYTES = 1 << 40


def _storable(text: str) -> str:
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("holds a NUL or half a character")
    return text


Text = Annotated[str, AfterValidator(_storable), Field(min_length=1, max_length=1000)]
Number = Annotated[int, Field(ge=0, le=2**32)]  # UIDs and UIDVALIDITY (RFC 9051 section 2.3.1.1)
Fence = Annotated[int, Field(ge=1, lt=2**63)]
Size = Annotated[int, Field(ge=0, le=MOST_BYTES)]
_TEXT: TypeAdapter[str] = TypeAdapter(Text)
Ids = Annotated[tuple[UUID, ...], Field(max_length=MOST_IDS)]


def is_text(value: str) -> bool:
    """Whether a text is one that goes over the wire."""
    try:
        _TEXT.validate_python(value)
    except ValidationError:
        return False
    return True


class PositionForm(Strict):
    """A cursor."""

    folder_id: Text
    folder: Text
    uidvalidity: Number
    uid: Number
    uidnext: Number
    last_error: Text | None = None
    renumbered: Number = 0
    former_id: Text | None = None

    @classmethod
    def of(cls, at: Position) -> "PositionForm":
        """Return the form of a position."""
        return cls(
            folder_id=at.folder_id, folder=at.folder, uidvalidity=at.uidvalidity, uid=at.uid, uidnext=at.uidnext,
            last_error=at.last_error and at.last_error[:1000], renumbered=at.renumbered, former_id=at.former_id,
        )  # fmt: skip

    def position(self) -> Position:
        """Return the position."""
        return Position(**self.model_dump())


class Place(Strict):
    """
    Where a mail was found: by UID, or by unique id (POP3).

    The id of the delivery is made of it by whoever reads this: nobody can take the place of another mailbox's mail.
    """

    folder_id: Text
    uidvalidity: Number | None
    uid: Number | None
    uidl: Text | None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        by_uid = self.uidvalidity is not None and self.uid is not None and self.uidl is None
        by_uidl = self.uidvalidity is None and self.uid is None and self.uidl is not None
        if not by_uid and not by_uidl:
            raise ValueError("a mail has either uidvalidity and uid, or uidl")
        return self

    def delivery_id(self, mailbox: str) -> UUID:
        """Return the id of the delivery at this place, as the fetcher makes it."""
        if self.uidvalidity is not None and self.uid is not None:
            return delivery_id_imap(mailbox, self.folder_id, self.uidvalidity, self.uid)
        return delivery_id_pop3(mailbox, self.uidl or "")


class MailForm(Place):
    """
    A mail that is handed in; its ``length`` bytes with this hash follow the head of the upload.

    ``size`` is that of the whole mail, of which ``headers_only`` brings the beginning alone. ``tracked_by`` is the
    folder rule or the keyword that makes it tracked.
    """

    source: Literal["imap", "pop3"]
    folder: Text
    folder_role: Literal["inbox", "sent", ""]
    internal_date: AwareDatetime | None
    size: Size
    length: Size
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    headers_only: bool
    tracked_by: Annotated[str, AfterValidator(_storable), Field(max_length=1000)] = ""


class PassedForm(Place):
    """A mail that was seen and not taken."""

    received: AwareDatetime

    def passed(self, mailbox: str) -> Passed:
        """Return it as a mail of this mailbox."""
        return Passed(
            id=self.delivery_id(mailbox), mailbox=mailbox, folder_id=self.folder_id, uidvalidity=self.uidvalidity,
            uid=self.uid, received=self.received, uidl=self.uidl,
        )  # fmt: skip


class Nothing(Strict):
    """No fields."""


class Folder(Strict):
    """A folder that is asked about."""

    folder_id: Text


class Upload(Strict):
    """
    The head of an upload: the mails that follow, and where the cursor stands after them.

    Instead of a cursor, ``flagged_in`` is the folder in which people have flagged them.
    """

    fence: Fence
    to: PositionForm | None
    flagged_in: PositionForm | None = None
    mails: tuple[MailForm, ...] = Field(max_length=BATCH_MAILS)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({(m.folder_id, m.uidvalidity, m.uid, m.uidl) for m in self.mails}) < len(self.mails):
            raise ValueError("several mails have one place")
        if self.to is not None and self.flagged_in is not None:
            raise ValueError("no cursor moves for what people have flagged")
        return self


class Advance(Strict):
    """Moves a cursor over what holds no mail."""

    fence: Fence
    to: PositionForm


class PassOver(Strict):
    """Mails that are not taken."""

    mails: tuple[PassedForm, ...] = Field(max_length=MOST_IDS)


class Asked(Strict):
    """Deliveries that something is asked about."""

    ids: Ids


class FolderState(Strict):
    """That a folder could not be read, or can be again."""

    fence: Fence
    folder: Text
    error: Text | None


class LeftOutForm(Strict):
    """A folder or mail that a check had to leave out."""

    code: str = Field(max_length=60)
    detail: Annotated[str, AfterValidator(_storable), Field(max_length=1000)]


class End(Strict):
    """
    How a check ended: ``code`` is empty after success; ``interval`` is that between two checks, in seconds.

    ``whole`` is whether it came to all folders.
    """

    fence: Fence
    code: str = Field(max_length=60)
    detail: Annotated[str, AfterValidator(_storable), Field(max_length=1000)] = ""
    permanent: bool = False
    progressed: bool = False
    more: bool = False
    whole: bool = True
    left_out: tuple[LeftOutForm, ...] = Field(default=(), max_length=100)
    interval: int = Field(ge=1, le=86_400)
