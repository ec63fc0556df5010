"""What a router asks and tells of the folders of a mailbox, carried out by what the fetcher itself uses."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from services.fetcher.cursor import FenceLost
from services.fetcher.endpoint import claims, folder_forms, forms, refusals
from services.fetcher.endpoint.admission import Admitted
from services.fetcher.polling import Ports
from services.fetcher.stored_ledger import StoredLedger

Answer = Mapping[str, object]


@contextmanager
def fenced() -> Iterator[None]:
    """Refuse what a router asks for that has lost the mailbox."""
    try:
        yield
    except FenceLost as error:
        raise refusals.Outrun(str(error)) from error


@dataclass(frozen=True, slots=True)
class FolderDesk:
    """Carries requests out, each in whatever thread calls it; raises what the other desk does."""

    ports: Callable[[], Ports]

    def known(self, of: Admitted, _: forms.Nothing) -> Answer:
        """Say what is known of the folders now."""
        known = self._ledger(of, 0).known()
        return {"known": claims.KnownForm.of(known).model_dump(mode="json")}

    def know_as(self, of: Admitted, given: folder_forms.KnowAs) -> Answer:
        """Note by which id a folder is known."""
        with fenced():
            self._ledger(of, given.fence).know_as(given.asked, given.mailbox_id)
        return {}

    def forget(self, of: Admitted, given: folder_forms.Forget) -> Answer:
        """Note which folders are gone, and forget some."""
        with fenced():
            self._ledger(of, given.fence).forget(given.found())
        return {}

    def position(self, of: Admitted, given: forms.Folder) -> Answer:
        """Return the cursor of a folder."""
        found = self._ledger(of, 0).position(given.folder_id)
        return {"position": None if found is None else forms.PositionForm.of(found).model_dump(mode="json")}

    def opened(self, of: Admitted, given: folder_forms.Opened) -> Answer:
        """Say where to read on in a folder that was opened."""
        with fenced():
            at = self._ledger(of, given.fence).opened(given.start(), given.names)
        return {"position": forms.PositionForm.of(at).model_dump(mode="json")}

    def recognise(self, of: Admitted, given: folder_forms.Recognise) -> Answer:
        """Say which mails are known from before, and of which the Message-ID must be told."""
        seen = [one.seen() for one in given.seen]
        named = {one.uid: one.message_id for one in given.named}
        with fenced():
            found = self._ledger(of, given.fence).recognise(given.at.position(), seen, named)
        return {"known": sorted(found.known), "doubtful": sorted(found.doubtful)}

    def advance(self, of: Admitted, given: forms.Advance) -> Answer:
        """Move a cursor over what holds no mail."""
        with fenced():
            self._ledger(of, given.fence).advance(given.to.position())
        return {}

    def untracked(self, of: Admitted, given: folder_forms.Untracked) -> Answer:
        """Say of which UIDs the mails are not tracked."""
        return {"uids": self._ledger(of, 0).untracked(given.at.position(), given.uids)}

    def looked(self, of: Admitted, given: folder_forms.Looked) -> Answer:
        """Note a look for what people have flagged."""
        with fenced():
            self._ledger(of, given.fence).looked(given.folder_id, (given.uidvalidity, given.modseq))
        return {}

    def vacate(self, of: Admitted, given: folder_forms.Vacate) -> Answer:
        """Take back the places of an epoch that has begun."""
        with fenced():
            self._ledger(of, given.fence).vacate(given.at.position())
        return {}

    def folder(self, of: Admitted, given: forms.FolderState) -> Answer:
        """Note that a folder could not be read, or can be again."""
        ledger = self._ledger(of, given.fence)
        with fenced():
            if given.error is None:
                ledger.folder_mended(given.folder)
            else:
                ledger.folder_failed(given.folder, given.error)
        return {}

    def _ledger(self, of: Admitted, fence: int) -> StoredLedger:
        return self.ports().ledger(of.address, fence)
