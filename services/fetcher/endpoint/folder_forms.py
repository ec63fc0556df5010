"""What goes over the wire of a folder that was opened, and of the mails in it that may be known from before."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from services.domain.forgetting import Absences, FolderAbsences
from services.domain.renumbering import Seen
from services.fetcher.endpoint import forms
from services.fetcher.position import Position
from services.settings.declaring import Strict

MOST_NAMES = 10_000
MOST_ABSENCES = 300

ModSeq = Annotated[int, Field(ge=0, lt=2**63)]  # RFC 7162 section 7


class Opened(Strict):
    """A folder that was opened, and the names of all folders of the mailbox, unless they are too many to be told."""

    fence: forms.Fence
    folder_id: forms.Text
    folder: forms.Text
    uidvalidity: forms.Number
    uidnext: forms.Number
    names: Annotated[tuple[forms.Text, ...], Field(max_length=MOST_NAMES)] | None

    def start(self) -> Position:
        """Return the start of the folder."""
        return Position(
            folder_id=self.folder_id, folder=self.folder, uidvalidity=self.uidvalidity, uid=0, uidnext=self.uidnext
        )


class SeenForm(Strict):
    """A mail as a server lists it."""

    uid: forms.Number
    received: AwareDatetime
    size: forms.Size

    def seen(self) -> Seen:
        """Return the mail."""
        return Seen(self.uid, self.received, self.size)


class NamedForm(Strict):
    """The Message-ID of a mail."""

    uid: forms.Number
    message_id: forms.Text


class Recognise(Strict):
    """The mails of a window that may be known from before, and the Message-IDs of those that were asked for."""

    fence: forms.Fence
    at: forms.PositionForm
    seen: tuple[SeenForm, ...] = Field(max_length=forms.MOST_IDS)
    named: tuple[NamedForm, ...] = Field(max_length=forms.MOST_IDS)


class KnowAs(Strict):
    """By which id a folder is known that the settings ask for."""

    fence: forms.Fence
    asked: forms.Text
    mailbox_id: forms.Text


class Absence(Strict):
    """A folder that is gone, back, or gone for too long, of which a cursor or an id is known."""

    of: Literal["cursors", "ids"]
    now: Literal["gone", "back", "forgotten"]
    name: forms.Text


class Forget(Strict):
    """What has changed about folders that the server does not have."""

    fence: forms.Fence
    absences: tuple[Absence, ...] = Field(max_length=MOST_ABSENCES)

    def found(self) -> FolderAbsences:
        """Return it sorted."""
        cursors, ids = (
            Absences(*(
                frozenset(one.name for one in self.absences if (one.of, one.now) == (of, now))
                for now in ("gone", "back", "forgotten")
            ))
            for of in ("cursors", "ids")
        )  # fmt: skip
        return FolderAbsences(cursors, ids)


def absences_of(found: FolderAbsences) -> list[Absence]:
    """Return the form of what has changed, one entry each."""
    of: Literal["cursors", "ids"]
    now: Literal["gone", "back", "forgotten"]
    told = []
    for of, some in (("cursors", found.cursors), ("ids", found.ids)):
        for now, names in (("gone", some.gone), ("back", some.back), ("forgotten", some.forgotten)):
            told += [Absence(of=of, now=now, name=name) for name in sorted(names)]
    return told


class Untracked(Strict):
    """UIDs of a folder of which it is asked whose mails are not tracked."""

    at: forms.PositionForm
    uids: Annotated[tuple[forms.Number, ...], Field(max_length=forms.MOST_IDS)]


class Looked(Strict):
    """A look for what people have flagged in a folder."""

    fence: forms.Fence
    folder_id: forms.Text
    uidvalidity: forms.Number
    modseq: ModSeq


class Vacate(Strict):
    """An epoch that has begun in a folder without a cursor."""

    fence: forms.Fence
    at: forms.PositionForm
