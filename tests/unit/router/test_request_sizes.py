"""What a router asks stays below what the endpoint takes in one request, whatever folders are called."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.domain.forgetting import Absences, FolderAbsences
from services.fetcher.deliveries import Passed
from services.fetcher.endpoint import folder_forms, forms
from services.fetcher.endpoint.serving import LARGEST_BODY
from services.fetcher.fetch import WINDOW
from services.fetcher.position import Position
from services.router.ledger import RemoteLedger
from services.settings.declaring import Strict

LONGEST = "🦊" * 1000


@dataclass
class Asked:
    """Stands for the client: keeps what is asked for."""

    forms: list[Strict] = field(default_factory=list)

    def ask(self, mailbox: str, step: str, form: Strict) -> dict[str, object]:
        assert len(form.model_dump_json().encode()) <= LARGEST_BODY
        self.forms.append(form)
        at = Position(folder_id="INBOX", folder="INBOX", uidvalidity=1, uid=0, uidnext=1)
        return {"position": forms.PositionForm.of(at).model_dump(mode="json")}


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def ledger(asked: Asked) -> RemoteLedger:
    return RemoteLedger(client=asked, blobs=None, mailbox="ada@own.example", fence=1, limit=1)  # type: ignore[arg-type]


def test_mails_that_are_passed_over_in_a_folder_of_a_long_name(asked: Asked, ledger: RemoteLedger):
    received = datetime(2026, 5, 4, tzinfo=UTC)
    ledger.pass_over([
        Passed(id=uuid4(), mailbox="ada@own.example", folder_id=LONGEST, uidvalidity=2**31, uid=uid, received=received)
        for uid in range(WINDOW)
    ])  # fmt: skip

    told = [mail.uid for form in asked.forms if isinstance(form, forms.PassOver) for mail in form.mails]
    assert [*range(WINDOW)] == told


def test_folders_of_long_names_that_are_gone(asked: Asked, ledger: RemoteLedger):
    gone = frozenset(f"{number}{'🦊' * 990}" for number in range(500))
    none: Absences[str] = Absences(frozenset(), frozenset(), frozenset())
    ledger.forget(FolderAbsences(Absences(gone, frozenset(), frozenset()), none))

    assert gone == {one.name for form in asked.forms if isinstance(form, folder_forms.Forget) for one in form.absences}


@pytest.mark.parametrize(("folders", "told"), [(1_000, True), (9_000, False)])
def test_the_names_of_all_folders_are_told_unless_they_are_too_many_bytes(
    asked: Asked, ledger: RemoteLedger, folders: int, *, told: bool
):
    at = Position(folder_id="a", folder="a", uidvalidity=1, uid=0, uidnext=1)
    ledger.opened(at, {f"{number}{'項' * 50}" for number in range(folders)})

    (form,) = asked.forms
    assert isinstance(form, folder_forms.Opened)
    assert told == (form.names is not None)
