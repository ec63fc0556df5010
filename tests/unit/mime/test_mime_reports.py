"""What bounces, receipts and complaints report of earlier mails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.message import Reported, ReportForm
from services.mime import Limits, parse
from services.mime.reports import MOST_ABOUT, MOST_RECIPIENTS

STATUS = (
    b"Reporting-MTA: dns; mx.example.net\n\nOriginal-Recipient: rfc822;Kim@Customer.example\n"
    b"Final-Recipient: rfc822; kim@inner.example\nAction: failed\nStatus: 5.1.1\n"
    b"Diagnostic-Code: smtp; 550 5.1.1 no such\n user\n"
)
SENT = b"Message-ID: <offer@Own.example>\nFrom: anna@own.example\nSubject: Offer\n\nHello\n"


def report(of: str, *parts: tuple[str, bytes], **headers: str) -> bytes:
    lines = {"From": "MAILER-DAEMON@mx.example.net", "To": "anna@own.example", "Message-ID": "<dsn@mx.example.net>"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines["Content-Type"] = f"multipart/report; report-type={of}; boundary=b"
    head = "".join(f"{name}: {value}\n" for name, value in lines.items()).encode()
    pieces = [b"--b\nContent-Type: " + kind.encode() + b"\n\n" + content for kind, content in parts]
    return head + b"\n" + b"\n".join([*pieces, b"--b--\n"])


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers"])
def test_a_delivery_status_names_the_mail_and_each_recipient(kind: str):
    found = parse(report("delivery-status", ("message/delivery-status", STATUS), (kind, SENT))).report

    assert found is not None
    assert (ReportForm.DELIVERY_STATUS, ("offer@own.example",)) == (found.form, found.about)
    assert (
        Reported("kim@customer.example", "failed", "5.1.1", "550 5.1.1 no such user"),
        Reported("kim@inner.example", "failed", "5.1.1", "550 5.1.1 no such user"),
    ) == found.recipients


def test_the_parser_for_broken_mail_reads_the_same():
    raw = report("delivery-status", ("message/delivery-status", STATUS), ("text/rfc822-headers", SENT))
    limits = Limits(in_process_bytes=10)

    assert parse(raw).report == parse(raw, limits=limits).report


def test_a_receipt_names_the_mail_that_was_read():
    told = b"Final-Recipient: rfc822;kim@customer.example\nOriginal-Message-ID: <offer@own.example>\n"
    told += b"Disposition: manual-action/MDN-sent-manually; displayed/warning\n"

    found = parse(report("disposition-notification", ("message/disposition-notification", told))).report

    assert found is not None
    assert (ReportForm.DISPOSITION, ("offer@own.example",)) == (found.form, found.about)
    assert (Reported("kim@customer.example", "displayed", "", ""),) == found.recipients


def test_a_complaint_may_leave_out_who_complains():
    told = b"Feedback-Type: abuse\nVersion: 1\n"

    found = parse(report("feedback-report", ("message/feedback-report", told), ("message/rfc822", SENT))).report

    assert found is not None
    assert (Reported("", "abuse", "", ""),) == found.recipients


def test_a_server_that_writes_no_parts_is_read_by_its_text():
    raw = (
        b"From: Mail Delivery System <Mailer-Daemon@mx.example.net>\nX-Failed-Recipients: kim@customer.example\n\n"
        b"The following address failed:\n\n  kim@customer.example\n    550 5.1.1 unknown\n\n--- copy ---\n\n"
        b"Message-Id: <offer@own.example>\n"
    )

    found = parse(raw).report

    assert found is not None
    assert (ReportForm.TEXT, ("offer@own.example",)) == (found.form, found.about)
    assert (Reported("kim@customer.example", "failed", "5.1.1", ""),) == found.recipients


def test_the_letter_of_a_person_reports_nothing():
    forward = b"From: kim@customer.example\nSubject: Fwd: Undelivered\n\nMessage-ID: <offer@own.example>\n"

    assert parse(forward).report is None


def test_a_report_without_end_is_cut():
    status = b"\n".join(b"\nFinal-Recipient: rfc822;r%d@x.example\nAction: failed\n" % n for n in range(2_000))
    copies = [("message/rfc822", b"Message-ID: <%d@x.example>\n\n" % n) for n in range(50)]

    found = parse(report("delivery-status", ("message/delivery-status", status), *copies)).report

    assert found is not None
    assert (MOST_ABOUT, MOST_RECIPIENTS) == (len(found.about), len(found.recipients))


@given(st.binary(max_size=400))
def test_any_bytes_in_a_status_are_read(content: bytes):
    parse(report("delivery-status", ("message/delivery-status", content)))
