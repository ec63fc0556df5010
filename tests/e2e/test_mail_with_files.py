"""
Which parts of a mail become attachments, on a running pipeline (domain rule 6).

The row "Maximum file size for attachments" of the settings page is changed here.
"""

import base64
from email.message import EmailMessage
from typing import Any

import pytest

from tests import winmail
from tests.e2e.conftest import KIM, SUPPORT, Company
from tests.e2e.mails import FIRST, mail
from tests.e2e.settings_page import setting
from tests.e2e.test_mail import activities

pytestmark = pytest.mark.e2e

PROGRAM = b"MZ\x90\0" + b"\0" * 96
PDF = b"%PDF-1.7\n"


def with_files(message_id: str, files: dict[str, bytes], *, html: str = "", picture: bytes = b"") -> bytes:
    """A mail with these files, and with a picture that its HTML shows."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"], made["Date"] = KIM, SUPPORT, "Files", FIRST
    made["Message-ID"] = f"<{message_id}>"
    made.set_content("Hello.\n")
    if html:
        made.add_alternative(html, subtype="html")
        page = made.get_body(("html",))
        assert isinstance(page, EmailMessage)
        page.add_related(picture, "image", "png", cid="<logo@x>", filename="logo.png")
    for name, data in files.items():
        made.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return made.as_bytes().replace(b"\n", b"\r\n")


def outcome(activity: dict[str, Any]) -> tuple[set[tuple[str, bool]], set[tuple[str, str, str]]]:
    """What is attached, and whether inline; what is not, and why."""
    kept = {(one["name"], one["inline"]) for one in activity["attachments"]}
    return kept, {(one["name"], one["reason"], one["detail"]) for one in activity["dropped_attachments"]}


def test_files_are_kept_or_listed_with_the_reason(company: Company):
    """Domain cases 15.17 and 15.18: a program and a file of 6 MB are left out, and the mail is filed."""
    files = {
        "offer.pdf": PDF,
        "setup.exe": b"anything",
        "invoice.pdf": PROGRAM,
        "../../a\u202efdp.exe": b"x",
        "old.pdf": PDF,
        "fair.mov": b"\0" * (6 * 1024 * 1024),
        "winmail.dat": winmail.stream(winmail.file("list.xlsx", b"PK"), winmail.file("run.bat", b"dir\r\n")),
    }
    raw = with_files("all@files.example", files, html='<img src="cid:logo@x">', picture=b"\x89PNG")
    company.pipeline.append(SUPPORT, raw)
    company.pipeline.wait()

    (activity,) = activities(company, "files.example").values()
    kept, dropped = outcome(activity)
    assert {("offer.pdf", False), ("old.pdf", False), ("list.xlsx", False), ("logo.png", True)} == kept
    assert {
        ("setup.exe", "BlockedName", "exe"),
        ("invoice.pdf", "BlockedContent", "exe"),
        ("....afdp.exe", "BlockedName", "exe"),
        ("run.bat", "BlockedName", "bat"),
        ("fair.mov", "TooLarge", "5120"),
    } == dropped
    assert ["logo@x"] == [one["content_id"] for one in activity["attachments"] if one["inline"]]
    told = company.pipeline.mailweave("explain", "all@files.example").stdout
    assert "Not attached: setup.exe (8 bytes): attachments.blocked names .exe." in told
    assert "Not attached: fair.mov (6291456 bytes): it is larger than the 5120 KB of attachments.maxKb." in told
    assert "invoice.pdf (100 bytes): it is a .exe file by its content" in told
    tree = company.pipeline.mailweave("activities").stdout
    assert "in the text: logo.png" in tree
    assert "not attached: run.bat (5 bytes)" in tree


def test_the_largest_file_is_what_the_setting_says(company: Company):
    with setting(company, attachments__maxKb=1):
        company.pipeline.append(SUPPORT, with_files("small@limit.example", {"a.pdf": PDF + b"x" * 2000}))
        company.pipeline.wait()
    company.pipeline.append(SUPPORT, with_files("usual@limit.example", {"a.pdf": PDF + b"x" * 2000}))
    company.pipeline.wait()

    found = activities(company, "limit.example")
    assert (set(), {("a.pdf", "TooLarge", "1")}) == outcome(found["small@limit.example"])
    assert ({("a.pdf", False)}, set()) == outcome(found["usual@limit.example"])


def test_the_blocked_files_are_those_that_the_setting_names(company: Company):
    files = {"a.exe": b"x", "b.pdf": PROGRAM, "c.pdf": PDF}
    with setting(company, attachments__blocked='["pdf"]'):
        company.pipeline.append(SUPPORT, with_files("pdf@blocked.example", files))
        company.pipeline.wait()

    (activity,) = activities(company, "blocked.example").values()
    blocked = {("b.pdf", "BlockedName", "pdf"), ("c.pdf", "BlockedName", "pdf")}
    assert ({("a.exe", False)}, blocked) == outcome(activity)


def test_what_is_sealed_or_is_a_message_stays_whole(company: Company):
    inner = mail("inner@whole.example", from_=KIM, to=SUPPORT, attachment=PROGRAM).replace(b"big.bin", b"a.exe")
    sealed = (
        b"Content-Type: multipart/encrypted; protocol=application/pgp-encrypted; boundary=e\r\n\r\n--e\r\n"
        b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--e\r\n"
        b'Content-Type: application/octet-stream; name="encrypted.asc"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + base64.encodebytes(b"-----BEGIN PGP MESSAGE-----\n" + b"x" * 5000).replace(b"\n", b"\r\n")
        + b"--e--\r\n"
    )
    head, _, _ = mail("sealed@whole.example", from_=KIM, to=SUPPORT).partition(b"Content-Type:")
    nested = mail("outer@whole.example", from_=KIM, to=SUPPORT, minute=1).partition(b"Content-Type:")[0]
    nested += b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/plain\r\n\r\nSee.\r\n--m\r\n"
    nested += b"Content-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--m--\r\n"
    with setting(company, attachments__maxKb=1):
        company.pipeline.append(SUPPORT, head + sealed, nested)
        company.pipeline.wait()

    found = activities(company, "whole.example")
    assert ({("", False), ("encrypted.asc", False)}, set()) == outcome(found["sealed@whole.example"])
    assert ({("Order 4711.eml", False)}, set()) == outcome(found["outer@whole.example"])
