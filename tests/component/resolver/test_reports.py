"""What bounces, receipts, complaints and automatic replies do, decided on a real database."""

from itertools import permutations

import psycopg
import pytest

from services.domain.facts import Policy
from services.domain.identity import keyed_hash
from services.resolver.settings import Settings
from services.storage.reports.explain import explain
from tests.component.resolver.conftest import KEY, Resolver, mail

pytestmark = pytest.mark.component

ANNA = "anna@own.example"
OFFER = mail("offer", to="kim@customer.example", From=f"Anna <{ANNA}>", Subject="Offer")


def bounce(name: str = "dsn", *, about: str = "offer", failed: str = "kim@customer.example") -> bytes:
    return (
        f"From: Mail Delivery System <MAILER-DAEMON@mx.example>\r\nTo: {ANNA}\r\nMessage-ID: <{name}@mx.example>\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nDate: Tue, 24 Nov 2026 10:01:00 +0000\r\n"
        "Auto-Submitted: auto-replied\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\n\r\nThis is the mail system.\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {failed}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 unknown\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
        f"Message-ID: <{about}@x.example>\r\n\r\nHello\r\n--b--\r\n"
    ).encode()


def sent(resolver: Resolver, raw: bytes = OFFER) -> bytes:
    return resolver.record(raw, mailbox=ANNA, folder="Sent", tracked_by="keyword")


def reported(resolver: Resolver) -> list[tuple[object, ...]]:
    return resolver.rows(
        "SELECT split_part(m.message_id, '@', 1), r.kind, r.address, r.action, r.status, r.detail"
        " FROM resolver.report r"
        " JOIN resolver.activity a ON a.id = r.activity_id JOIN resolver.message m ON m.message_key = a.message_key"
    )


def all_for_anna(version: int = 1) -> Settings:
    return Settings(policy=Policy(version=version, user_default=0), mailbox_owners={}, options={})


@pytest.mark.parametrize("order", permutations(("offer", "dsn")), ids="-".join)
def test_a_bounce_puts_the_failure_on_the_mail_that_was_sent(resolver: Resolver, order: tuple[str, str]):
    """Whichever comes first: the bounce lies in the inbox before Sent is read, as often as not."""
    resolver.settings = all_for_anna()
    values = {"offer": sent(resolver), "dsn": resolver.record(bounce())}
    for name in order:
        resolver.resolve(values[name])
        resolver.jobs()

    failed = ("offer", "bounce", "kim@customer.example", "failed", "5.1.1", "550 unknown")
    assert [failed] == reported(resolver)
    assert {"offer": "accepted", "dsn": "Report"} == resolver.outcomes()
    last = resolver.events()[-1]
    assert (["reported"], "offer@x.example", "ordinary") == (last["reasons"], last["message_id"], last["kind"])
    assert ["kim@customer.example"] == [one["address"] for one in last["reports"]]


def test_a_bounce_that_comes_again_tells_nothing_new(resolver: Resolver):
    resolver.resolve(sent(resolver))
    resolver.resolve(resolver.record(bounce()))
    told = len(resolver.events())

    resolver.resolve(resolver.record(bounce()))
    resolver.resolve(resolver.record(bounce(), mailbox="ben@own.example", uid=2))

    assert told == len(resolver.events())


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(bounce(failed="else@customer.example"), id="names nobody the mail was sent to"),
        pytest.param(bounce(failed=ANNA), id="names who received the report"),
        pytest.param(bounce(about="guessed"), id="names no mail of ours"),
    ],
)
def test_a_forged_bounce_says_nothing_of_our_mail(resolver: Resolver, forged: bytes):
    resolver.settings = all_for_anna()
    resolver.resolve(sent(resolver))
    resolver.resolve(resolver.record(forged))

    assert [] == reported(resolver)
    assert "Report" == resolver.outcomes()["dsn"]


def test_a_bounce_says_nothing_of_mail_that_came_in(resolver: Resolver):
    """An id that somebody else has sent is no mail of ours."""
    resolver.settings = all_for_anna()
    resolver.resolve(resolver.record(mail("offer", to=ANNA)))
    resolver.resolve(resolver.record(bounce()))

    assert [] == reported(resolver)


def test_an_automatic_reply_is_linked_and_opens_nothing(resolver: Resolver):
    """Its sender is a stranger and its subject another one: a person's mail would branch, ask and raise an alert."""
    resolver.resolve(sent(resolver))
    away = {"From": "desk@elsewhere.example", "Subject": "Automatic reply: I am away", "Auto_Submitted": "auto-replied"}
    resolver.resolve(resolver.record(mail("away", answers=["offer"], to=ANNA, **away)))
    person = {"From": "desk@elsewhere.example", "Subject": "Another matter"}
    resolver.resolve(resolver.record(mail("person", answers=["offer"], to=ANNA, **person)))

    rows = resolver.rows(
        "SELECT split_part(m.message_id, '@', 1), x.kind, x.method, x.effect,"
        " (SELECT count(*) FROM resolver.review r WHERE r.delivery_id = d.id)"
        " FROM resolver.decision x JOIN resolver.delivery d ON d.id = x.delivery_id"
        " JOIN resolver.message m USING (message_key) WHERE x.current AND m.message_id NOT LIKE 'offer%%' ORDER BY 1"
    )
    assert [
        ("away", "auto-reply", "InReplyTo", "joins", 0),
        ("person", "ordinary", "InReplyTo", "branches", 1),
    ] == rows
    alerts = resolver.rows("SELECT count(*) FROM resolver.outbox WHERE topic = 'alert-signals'")
    assert [(1,)] == alerts


def test_explain_says_the_kind_and_why(resolver: Resolver):
    resolver.resolve(resolver.record(bounce()))

    with psycopg.connect(resolver.url) as connection:
        (found,) = explain(connection, keyed_hash(KEY, "id", "dsn@mx.example"))
    (delivery,) = found["deliveries"]
    assert "bounce" == delivery["kind"]
    assert ("kind", "bounce", "it has a delivery status") == tuple(
        delivery["evidence"][0][name] for name in ("kind", "value", "why")
    )
