"""What a router is told of a mailbox that it has claimed: what the settings say of it, what is known of its folders."""

from datetime import datetime
from hashlib import sha256

from pydantic import AwareDatetime

from services.domain.start_date import start_of
from services.fetcher.choosing import wanted_of
from services.fetcher.endpoint import forms
from services.fetcher.envelopes import MEGABYTE
from services.fetcher.folder_rows import Known
from services.settings.declaring import Strict
from services.settings.snapshot import Snapshot


class Terms(Strict):
    """
    What the settings say of the mail of a mailbox.

    ``sent`` and ``rules``, by the name of the folder, say what is read besides the folders of the router's file.
    """

    limit: forms.Size
    received_after: datetime | None
    delete: bool
    sent: bool
    rules: dict[forms.Text, forms.Text]

    def mark(self) -> str:
        """Return what changes when the terms do."""
        return sha256(self.model_dump_json().encode()).hexdigest()[:16]


class KnownForm(Strict):
    """What is known of folders; see :class:`services.fetcher.folder_rows.Known`."""

    cursors: tuple[forms.PositionForm, ...]
    ids: dict[str, str]
    looked: dict[str, tuple[int, int]]
    cursors_gone: dict[str, AwareDatetime]
    ids_gone: dict[str, AwareDatetime]

    @classmethod
    def of(cls, known: Known) -> "KnownForm":
        """Return the form of what is known, without folders of a name that no request can name."""
        told = [at for at in known.cursors.values() if forms.is_text(at.folder_id) and forms.is_text(at.folder)]
        return cls(
            cursors=tuple(forms.PositionForm.of(at) for at in told), ids=dict(known.ids), looked=dict(known.looked),
            cursors_gone=dict(known.cursors_gone), ids_gone=dict(known.ids_gone),
        )  # fmt: skip

    def known(self) -> Known:
        """Return what is known."""
        cursors = (form.position() for form in self.cursors)
        return Known(
            cursors={at.folder_id: at for at in cursors}, ids=self.ids, looked=self.looked,
            cursors_gone=self.cursors_gone, ids_gone=self.ids_gone,
        )  # fmt: skip


class Claimed(Strict):
    """
    A mailbox that is the router's, and its fencing number.

    ``anew`` is whether it is to be tested, over a connection of its own.
    """

    fence: forms.Fence
    anew: bool
    terms: Terms
    known: KnownForm


def terms_of(snapshot: Snapshot, address: str) -> Terms:
    """Return what the settings say of a mailbox that they name and that has a server profile."""
    mailbox, profile = snapshot.mailboxes[address], snapshot.profile_of(address)
    wanted = wanted_of(snapshot, address)
    return Terms(
        limit=snapshot.organization.message_max_mb * MEGABYTE,
        received_after=start_of(profile.received_after if profile else None, mailbox.received_after),
        delete=mailbox.process_and_delete,
        sent=wanted.sent,
        rules=dict(wanted.rules),
    )
