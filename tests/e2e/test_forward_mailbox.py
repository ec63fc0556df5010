"""Mail that comes through a forward mailbox is filed for those whose servers forwarded it (domain rule 1.3)."""

import json
from base64 import encodebytes
from pathlib import Path

import pytest

from tests import winmail
from tests.e2e.conftest import KIM, Company
from tests.e2e.mails import mail
from tests.e2e.test_alerts import alerts, until

pytestmark = pytest.mark.e2e

COLLECTOR = "collect@own.example"
FAY, GUS, HAL = "fay@forward.example", "gus@forward.example", "hal@forward.example"


def forwarded(number: int, by: str, *inner: bytes, kind: str = "message/rfc822") -> bytes:
    """A mail that a server made for its user by a rule."""
    head = (
        f"Message-ID: <outer-{number}@own.example>\r\nFrom: {by}\r\nTo: {COLLECTOR}\r\nSubject: FW\r\n"
        f"X-MS-Exchange-Inbox-Rules-Loop: {by}\r\nDate: Mon, 4 May 2026 12:00:00 +0000\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="outer"\r\n\r\n'
    )
    parts = b"".join(f"--outer\r\nContent-Type: {kind}\r\n\r\n".encode() + one + b"\r\n" for one in inner)
    return head.encode() + parts + b"--outer--\r\n"


def outlook(number: int, by: str, inner: bytes) -> bytes:
    data = encodebytes(winmail.stream(winmail.file("mail.eml", inner)))
    kind = 'application/ms-tnef; name="winmail.dat"\r\nContent-Transfer-Encoding: base64'
    return forwarded(number, by, data, kind=kind)


def receive_by_forwarding(company: Company, folder: Path, *addresses: str) -> None:
    file = folder / "settings.json"
    owners = {one: {"type": "queue", "id": one.partition("@")[0]} for one in addresses}
    file.write_text(
        json.dumps({
            f"mailbox/{one}": {"address": one, "incoming": "forward", "owner": owner} for one, owner in owners.items()
        })
    )  # fmt: skip
    company.pipeline.mailweave("settings", "apply", file, "--wait")


def deliveries(company: Company, message_id: str) -> list[tuple[str, str | None, str]]:
    """Mailbox, receiving mailbox and outcome of each delivery of a message."""
    lines = company.pipeline.mailweave("explain", message_id, "--json").stdout.splitlines()
    found = [d for one in map(json.loads, lines) for d in one["deliveries"]]
    return sorted((d["mailbox"], d["receiving_mailbox"], d["outcome"]) for d in found)


def test_forwarded_mail_is_filed_for_whoever_forwarded_it(company: Company, tmp_path: Path):
    pipeline = company.pipeline
    receive_by_forwarding(company, tmp_path, FAY, GUS)
    pipeline.add_mailbox(COLLECTOR, None, "--forward-mailbox")
    shared, nested, tnef, plain, other, several = (f"{n}@forwarded.example" for n in ("a", "b", "c", "d", "e", "f"))
    both = mail(shared, from_=KIM, to="list@elsewhere.example")
    relayed = (
        forwarded(20, FAY, mail(nested, from_=KIM, to=FAY))
        .replace(b'outer"', b'inside"')
        .replace(b"--outer", b"--inside")
    )
    pipeline.append(
        COLLECTOR,
        forwarded(1, FAY, both),
        forwarded(2, GUS, both),
        forwarded(3, GUS, relayed),
        outlook(4, FAY, mail(tnef, from_=KIM, to=FAY)),
        mail(plain, from_=KIM, to=FAY),
        forwarded(6, HAL, mail(other, from_=KIM, to=HAL)),
        forwarded(7, FAY, mail(several, from_=KIM, to=FAY), mail(f"2{several}", from_=KIM, to=FAY)),
    )
    pipeline.wait()

    assert [(COLLECTOR, FAY, "accepted"), (COLLECTOR, GUS, "accepted")] == deliveries(company, shared)
    assert [(COLLECTOR, GUS, "accepted")] == deliveries(company, nested)
    assert [(COLLECTOR, FAY, "accepted")] == deliveries(company, tnef)
    assert [(COLLECTOR, None, "ForwardNotWrapped")] == deliveries(company, plain)
    assert [(COLLECTOR, None, "ForwardOwnerUnknown")] == deliveries(company, other)
    assert [(COLLECTOR, FAY, "accepted")] == deliveries(company, several) == deliveries(company, f"2{several}")
    lines = pipeline.mailweave("activities", "--json").stdout.splitlines()
    (activity,) = [one for one in map(json.loads, lines) if one["message_id"] == shared]
    assert {FAY, GUS} == {place["receiving_mailbox"] for place in activity["deliveries"]}
    until(lambda: alerts(company, "forward_not_wrapped", COLLECTOR))
    until(lambda: alerts(company, "forward_several", COLLECTOR))
    assert "its mail comes by a forward mailbox" in pipeline.mailweave("mailbox", "show", FAY).stdout
    assert "All is well." in pipeline.mailweave("verify", "--server", "--mailbox", COLLECTOR).stdout


def test_the_way_a_mailbox_receives_acts_on_the_mail_that_comes_next(company: Company, tmp_path: Path):
    """Row "incoming" of the settings page: the same forwarder, before and after the mailbox receives by forwarding."""
    pipeline, ivy, collector = company.pipeline, "ivy@forward.example", "gather@own.example"
    pipeline.add_mailbox(collector, None, "--forward-mailbox")
    pipeline.append(collector, forwarded(30, ivy, mail("before@forwarded.example", from_=KIM, to=ivy)))
    pipeline.wait()
    receive_by_forwarding(company, tmp_path, ivy)
    pipeline.append(collector, forwarded(31, ivy, mail("after@forwarded.example", from_=KIM, to=ivy)))
    pipeline.wait()

    assert [(collector, None, "ForwardOwnerUnknown")] == deliveries(company, "before@forwarded.example")
    assert [(collector, ivy, "accepted")] == deliveries(company, "after@forwarded.example")


def test_a_forward_mailbox_read_by_pop3_deletes_what_is_stored(company: Company, tmp_path: Path):
    pipeline, joe, collector = company.pipeline, "joe@forward.example", "popped@own.example"
    receive_by_forwarding(company, tmp_path, joe)
    pipeline.add_pop3_mailbox(collector, "--forward-mailbox", "--delete")
    pipeline.append(collector, forwarded(40, joe, mail("popped@forwarded.example", from_=KIM, to=joe)))
    pipeline.wait()

    assert [(collector, joe, "accepted")] == deliveries(company, "popped@forwarded.example")
    until(lambda: pipeline.pop3_count(collector) == 0)
    assert "All is well." in pipeline.mailweave("verify", "--server", "--mailbox", collector).stdout
