"""What a router is let in to: the mailboxes that it reads, in the direction that it reads, and nothing of others."""

from dataclasses import replace
from uuid import uuid4

import pytest

from services.domain.approval import Permit
from services.domain.errors import MailweaveError
from services.domain.identity import Direction
from services.domain.mailbox_state import Phase
from services.fetcher import cursor
from services.fetcher.deliveries import Passed
from services.fetcher.endpoint import forms
from services.router.ledger import RemoteLedger
from services.settings.permits import polling_of
from services.settings.snapshot import apply
from tests.component.fetcher.routed import serving, settings, token_of
from tests.component.fetcher.test_ledgers import AT, arrival, at, by_pop3

pytestmark = pytest.mark.component

LIMIT = 10**7


@pytest.fixture
def other(outside):
    """Another mailbox, which another router reads."""
    return replace(outside, mailbox=f"m{uuid4().hex[:12]}@example.org", sent=outside.sent)


@pytest.fixture
def apart(outside, other):
    """An endpoint, a token for each of two mailboxes, and a ledger as the router that reads it has it."""
    names = {outside.mailbox: f"r{uuid4().hex[:12]}", other.mailbox: f"r{uuid4().hex[:12]}"}
    snapshot = settings(outside.mailbox, other.mailbox)
    for number, (mailbox, router) in enumerate(names.items()):
        profile = {"host": "imap.example.org", "port": 993, "router": router}
        snapshot = apply(snapshot, f"server-profile/{number}", 4, profile)
        fields = {"address": mailbox, "serverProfile": str(number), "user": "u", "credential": "c"}
        snapshot = apply(snapshot, f"mailbox/{mailbox}", 5, fields)
    with serving(outside.ports, snapshot) as running:

        def ledger(token_for, mailbox):
            client = running.client(token_of(outside, names[token_for]))
            fence = cursor.claim(outside.ports.database, mailbox).fence
            return RemoteLedger(client=client, blobs=outside.ports.blobs, mailbox=mailbox, fence=fence, limit=LIMIT)

        yield ledger


def all_rows(of):
    tables = ("delivery", "passed", "cursor", "mailbox")
    return [sorted(map(str, of.rows(f"SELECT * FROM fetcher.{t} WHERE mailbox = %(mailbox)s"))) for t in tables]


def test_a_router_learns_nothing_of_another_routers_mailbox(outside, other, apart):
    own, theirs = apart(outside.mailbox, outside.mailbox), apart(other.mailbox, other.mailbox)
    mails = [by_pop3(other, "a", b"Subject: a\r\n\r\n"), arrival(other, 1)]
    theirs.hand_over(mails, to=None)
    old = by_pop3(other, "old", b"").id
    theirs.pass_over([
        Passed(id=old, mailbox=other.mailbox, folder_id="INBOX", uidvalidity=None, uid=None, received=AT, uidl="old")
    ])  # fmt: skip
    ids = [*(mail.id for mail in mails), old]

    assert (set(ids), set(ids[:2])) == (set(theirs.handled(ids)), set(theirs.stored(ids)))
    assert (frozenset(), {}) == (own.handled(ids), own.stored(ids))


@pytest.mark.parametrize("step", ["claim", "position", "advance", "passed", "handled", "stored", "folder", "end"])
def test_a_token_for_one_mailbox_changes_nothing_about_another(outside, other, apart, step):
    apart(other.mailbox, other.mailbox).hand_over([arrival(other, 1)], to=at(1))
    intruder = apart(outside.mailbox, outside.mailbox).client
    fence = cursor.claim(outside.ports.database, other.mailbox).fence
    before = all_rows(other)
    place = forms.PassedForm(folder_id="INBOX", uidvalidity=7, uid=2, uidl=None, received=AT)
    given = {
        "position": forms.Folder(folder_id="INBOX"),
        "advance": forms.Advance(fence=fence, to=forms.PositionForm.of(at(8))),
        "passed": forms.PassOver(mails=(place,)),
        "handled": forms.Asked(ids=(arrival(other, 1).id,)),
        "stored": forms.Asked(ids=(arrival(other, 1).id,)),
        "folder": forms.FolderState(fence=fence, folder="INBOX", error="broken"),
        "end": forms.End(fence=fence, code="", interval=1),
    }
    with pytest.raises(MailweaveError) as refused:
        intruder.ask(other.mailbox, step, given.get(step, forms.Nothing()))

    assert "router_not_allowed" == refused.value.code
    assert before == all_rows(other)


def test_mail_that_is_handed_in_for_one_mailbox_takes_no_place_in_another(outside, other, apart):
    apart(outside.mailbox, outside.mailbox).hand_over([arrival(other, 1)], to=at(1))
    before = all_rows(other)
    apart(other.mailbox, other.mailbox).hand_over([arrival(other, 1)], to=at(1))

    assert [[], [], []] == before[:3]
    assert ([1], [1], 2) == (outside.uids(), other.uids(), len({r["delivery_id"] for r in outside.records()}))


@pytest.mark.parametrize("incoming", ["none", "client", "forward", "push"])
def test_a_mailbox_that_receives_otherwise_or_not_at_all_is_left_to_no_router(outside, incoming):
    snapshot = settings(outside.mailbox, incoming=incoming)
    assert Permit.DEACTIVATED is polling_of(snapshot, outside.mailbox)

    with serving(outside.ports, snapshot) as running:
        client = running.client(token_of(outside))
        assert [] == client.introduce()["mailboxes"]
        with pytest.raises(MailweaveError) as refused:
            client.ask(outside.mailbox, "claim", forms.Nothing())
    assert "mailbox_not_read" == refused.value.code
    assert [] == outside.rows("SELECT FROM fetcher.mailbox WHERE mailbox = %(mailbox)s")


def test_a_test_of_the_outgoing_server_is_no_wish_to_a_router(outside):
    """A mailbox has two lives; only that of the incoming direction is a router's."""
    cursor.claim(outside.ports.database, outside.mailbox)
    with serving(outside.ports, settings(outside.mailbox)) as running:
        client = running.client(token_of(outside))
        for direction, wished in ((Direction.OUTGOING, []), (Direction.INCOMING, [outside.mailbox])):
            with outside.ports.database.transaction() as connection:
                connection.execute(
                    "INSERT INTO fetcher.mailbox_state (mailbox, direction, phase, cause, since, settings_version)"
                    " VALUES (%s, %s, %s, 'test requested', now(), 1)",
                    (outside.mailbox, direction, Phase.TEST_SCHEDULED),
                )
            said = client.introduce()
            assert ([outside.mailbox], wished) == (said["mailboxes"], said["tests"])
        client.close()


def test_a_mailbox_of_which_only_the_outgoing_direction_is_wanted_is_left_to_no_router(outside):
    snapshot = settings(outside.mailbox, incoming="none", outgoing="sss")
    with serving(outside.ports, snapshot) as running:
        client = running.client(token_of(outside))
        assert [] == client.introduce()["mailboxes"]
        client.close()
