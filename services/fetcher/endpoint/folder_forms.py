"""What goes over the wire of a folder that was opened, and of the mails in it that may be known from before."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from services.domain.renumbering import Seen
from services.fetcher.endpoint import forms
from services.fetcher.position import Position
from services.settings.declaring import Strict

MOST_NAMES = 10_000


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
