"""What parse promises: every golden mail in words, no exception for any bytes, limits, and the child process."""

import hashlib
import sys
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.domain.errors import Refused
from services.domain.message import Mailbox, Message, ParseOutcome, PartRole
from services.mime import KEPT_HEADERS, Limits, parse, parse_file, parse_headers, part_content
from services.mime.wire import decode, encode
from tests.unit.mime.golden import NAMES, golden

SMALL = Limits(in_process_bytes=2_000, message_bytes=20_000)


def shape(message):
    return [(part.path, part.content_type, str(part.role), part.filename) for part in message.parts]


def test_names_and_subject_are_decoded():
    message = parse(golden("rfc2047-names"))

    assert (Mailbox("Jörg Müller, Berlin", "joerg@example.org"),) == message.from_
    assert (Mailbox("André Dupont", "andre@example.com"),) == message.to
    assert "Grüße \u2013 aus Bremen" == message.subject
    assert datetime(2026, 3, 3, 8, 15, tzinfo=UTC) == message.date
    assert "one@example.org" == message.message_id
    assert "Hallo.\n" == message.body_text
    assert ParseOutcome.FULL == message.outcome
    assert () == message.repairs


def test_continued_filename_is_joined_and_decoded():
    message = parse(golden("rfc2231-filename"))

    assert ("2", "application/pdf", "attachment", "Angebot für Müller.pdf") == shape(message)[1]
    assert hashlib.sha256(b"%PDF-").hexdigest() == message.parts[1].sha256
    assert 5 == message.parts[1].size


def test_nested_parts_have_imap_numbers_and_roles():
    message = parse(golden("nested-multipart"))

    assert [
        ("1.1.1", "text/plain", "body", ""),
        ("1.1.2", "text/html", "body", ""),
        ("1.2", "image/png", "inline", ""),
        ("2", "application/octet-stream", "attachment", "....etclist.bin"),
        ("3", "text/plain", "body", ""),
    ] == shape(message)
    assert "logo@example.org" == message.parts[2].content_id
    assert ["Plain words.", "-- the list's footer"] == message.body_text.split("\n")
    assert message.has_html


def test_forwarded_message_is_one_attachment():
    message = parse(golden("forwarded-message"))

    assert [
        ("1", "text/plain", "body", ""),
        ("2", "message/rfc822", "attachment", "Order 78.eml"),
    ] == shape(message)
    assert "FYI" == message.body_text
    assert part_content(golden("forwarded-message"), "2").startswith(b"From: inner@example.com\n")


def test_multipart_without_boundary_is_read_as_text():
    message = parse(golden("missing-boundary"))

    assert "There is no boundary here.\n" == message.body_text
    assert ("multipart without parts",) == message.repairs


def test_truncated_base64_is_read_by_the_lenient_parser():
    message = parse(golden("truncated-base64"))

    assert ParseOutcome.FALLBACK == message.outcome
    assert "fallback-parser: DecodeError" in message.repairs
    assert part_content(golden("truncated-base64"), "1")


def test_8_bit_headers_are_read_as_utf_8_or_cp1252():
    message = parse(golden("8-bit-headers"))

    assert ("Jörg", "André", "Grüße") == (message.from_[0].name, message.to[0].name, message.subject)


def test_references_are_split_joined_and_without_repeats():
    message = parse(golden("glued-references"))

    assert ("a@example.org", "b@example.org", "late@example.org") == message.references
    assert ("b@example.org",) == message.in_reply_to


def test_groups_are_flattened():
    message = parse(golden("group-addresses"))

    assert (Mailbox("Ann", "ann@example.org"), Mailbox("", "bob@example.org")) == message.to
    assert (Mailbox("Eve", "eve@example.com"), Mailbox("last, first", "lf@example.com")) == message.cc
    assert () == message.repairs


def test_every_from_is_kept():
    message = parse(golden("several-from"))

    assert ["ann@example.org", "bob@example.org", "carol@example.org"] == [m.address for m in message.from_]


def test_nul_bytes_and_direction_marks_are_dropped_but_inside_an_address():
    """There it would be another address without them."""
    message = parse(golden("nul-bytes"))

    assert ((Mailbox("ann", "a\ufffdnn@example.org"),), "nul", "before\n") == (
        message.from_,
        message.subject,
        message.body_text,
    )
    assert "paygpj.exe" == parse(golden("direction-marks")).from_[0].name


def test_body_begins_where_headers_end_without_separator():
    message = parse(golden("no-separator"))

    assert "Dear all, the empty line is missing.\nRegards\n" == message.body_text
    assert ("no separator between headers and body",) == message.repairs


def test_headers_go_on_after_a_broken_line():
    message = parse(b"From: a@example.org\nbroken continuation\nSubject: x\n\nbody")

    assert ("x", "body", ("header line skipped",)) == (message.subject, message.body_text, message.repairs)


@pytest.mark.parametrize("raw", [b"", b"\n\n", bytes(range(256)), b"no headers at all\n", bytes(5_000)])
def test_what_is_no_mail_is_unreadable_and_empty(raw):
    message = parse(raw)

    assert ParseOutcome.UNREADABLE == message.outcome
    assert ((), (), None, "") == (message.parts, message.from_, message.message_id, message.body_text)


def test_html_becomes_text():
    message = parse(golden("html-only"))

    assert "Grüße & more\n\none\ntwo\n\nquoted\n\nend\nlast" == message.body_text


def test_html_is_taken_where_the_plain_form_is_blank():
    mail = EmailMessage()
    mail["From"] = "a@example.org"
    mail.set_content(" \n")
    mail.add_alternative("<p>words</p>", subtype="html")

    assert "words" == parse(mail.as_bytes()).body_text


def test_mbox_line_byte_order_mark_and_mac_line_ends_are_no_obstacle():
    plain = parse(b"From: a@example.org\nSubject: x\n\nbody\n")

    assert plain == parse(b"From a@example.org Tue Mar  3 09:15:00 2026\nFrom: a@example.org\nSubject: x\n\nbody\n")
    assert plain == parse(b"\xef\xbb\xbf\r\n\nFrom: a@example.org\nSubject: x\n\nbody\n")
    assert plain == parse(b"From: a@example.org\rSubject: x\r\rbody\r")


def test_kept_headers_keep_order_and_repetitions():
    message = parse(b"Delivered-To: b@x\nReceived: no\nX-Mailweave-Loop: 1\nDELIVERED-TO: a@x\nFrom: a@x\n\n")

    kept = (("delivered-to", "b@x"), ("received", ""), ("x-mailweave-loop", "1"), ("delivered-to", "a@x"))

    assert kept == message.headers
    assert len(KEPT_HEADERS) == len(set(KEPT_HEADERS))


def test_limits_cut_and_say_so():
    limits = Limits(body_chars=10, header_value_chars=20, mailboxes=3, parts=1)
    raw = b"From: a@x\nSubject: " + b"s" * 50 + b"\nTo: " + b"a@x, " * 9 + b"\nTo: b@x\n\n" + b"t" * 50

    message = parse(raw, limits=limits)

    assert ("s" * 20, "t" * 10, 3, True) == (
        message.subject,
        message.body_text,
        len(message.to),
        message.body_truncated,
    )
    assert {"header cut: subject", "header cut: to", "body cut at 10 characters"} == set(message.repairs)
    assert 1 == len(parse(golden("nested-multipart"), limits=limits).parts)


def test_endless_references_keep_both_ends():
    ids = b" ".join(b"<%d@x>" % number for number in range(2_000))

    found = parse(b"From: a@x\nReferences: " + ids + b"\n\n", limits=Limits(header_value_chars=200)).references

    assert ("0@x", "1999@x") == (found[0], found[-1])
    assert all(one.removesuffix("@x").isdecimal() for one in found)


def test_large_mail_is_read_by_the_child_and_reads_the_same(tmp_path):
    raw = b"From: a@example.org\nSubject: x\n\n" + b"line\n" * 1_000
    (tmp_path / "mail.eml").write_bytes(raw)

    assert parse(raw) == parse(raw, limits=SMALL)
    assert parse(raw) == parse_file(tmp_path / "mail.eml", limits=SMALL)
    assert parse(raw) == parse_file(tmp_path / "mail.eml")
    assert part_content(raw, "1") == part_content(raw, "1", limits=SMALL)


def test_too_large_mail_gives_headers_only(tmp_path):
    raw = b"From: a@example.org\nSubject: x\n\n" + b"line\n" * 5_000
    (tmp_path / "mail.eml").write_bytes(raw)

    message = parse(raw, limits=SMALL)

    assert (ParseOutcome.TOO_LARGE, "x", ()) == (message.outcome, message.subject, message.parts)
    assert message == parse_file(tmp_path / "mail.eml", limits=SMALL)
    with pytest.raises(Refused, match="larger than"):
        part_content(raw, "1", limits=SMALL)


def test_child_that_exceeds_its_time_leaves_the_headers():
    message = parse(golden("truncated-base64"), limits=Limits(fallback_seconds=0.001))

    assert (ParseOutcome.HEADERS, "a@example.org") == (message.outcome, message.from_[0].address)
    assert ("fallback-parser: DecodeError", "fallback failed: timeout") == message.repairs


def test_child_that_has_used_its_cpu_exceeds_its_time(tmp_path, monkeypatch):
    program = tmp_path / "child"
    program.write_text("#!/bin/sh\nkill -XCPU $$\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))

    message = parse(golden("truncated-base64"))

    assert ("fallback-parser: DecodeError", "fallback failed: timeout") == message.repairs


def test_a_slow_machine_leaves_the_child_more_time_than_it_may_compute():
    assert Limits().patience(25 << 20) > 5 * Limits().seconds(25 << 20)


def test_endless_nesting_leaves_the_headers():
    levels = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(3_000))

    message = parse(b"From: a@example.org\n" + levels)

    assert (ParseOutcome.HEADERS, "a@example.org") == (message.outcome, message.from_[0].address)


def test_encoded_message_in_the_message_goes_to_the_child():
    """What base64 hides from the guards must not reach the fast parser."""
    raw = b"From: a@x\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nRnJvbTogYkB4Cgp4\n"

    assert "fallback-parser: HostileError" in parse(raw).repairs


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("mixed", b"Content-Type: MESSAGE/rfc822\n\n"),
        ("mixed", b"Content-Type: =?utf-8?q?message=2Frfc822?=\n\n"),
        ("mixed", b"Content-Type:\n =?utf-8?b?bWVzc2FnZS9yZmM4MjI=?=\n\n"),
        ("mixed", b"Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\n"),
        ("mixed", b"Content-Type: message/rfc822\nContent-Transfer-Encoding: =?utf-8?q?base64?=\n\n"),
        ("digest", b"\n"),
        ("digest", b"Content-Transfer-Encoding: base64\n\n"),
        ("=?utf-8?q?digest?=", b"\n"),
        ("mixed", b"Subject: x\n"),
        ("mixed", b"Content-Type: text/plain; name=" + b"=?a?q?" * 3_000 + b"?" * 200_000 + b"\n"),
    ],
)
def test_encoded_words_without_end_go_to_the_child(kind, part):
    """The fast parser takes seconds for them, wherever it meets them: in a part's headers, or in a message's."""
    words = b"Subject: " + b"=?utf-8?q?a?= " * 5_000 + b"\n\ntext"
    raw = b"From: a@x\nContent-Type: multipart/%b; boundary=x\n\n--x\n%b%b\n--x--\n" % (kind.encode(), part, words)

    assert "fallback-parser: HostileError" in parse(raw).repairs


def digest(part: bytes, inner: bytes = b"quoted-printable") -> bytes:
    """A digest with a table of contents, a part with this head, and a message in this encoding."""
    message = b"From: b@x\nSubject: b\nContent-Type: text/plain\nContent-Transfer-Encoding: %b\n\ntext=21\n" % inner
    parts = (b"Content-Type: text/plain\n\nTopics\n", part + b"\n\nZnJvbTogY0B4Cgp4\n", b"\n" + message)
    body = b"".join(b"--x\n" + one for one in parts)
    return b"From: a@x\nMIME-Version: 1.0\nContent-Type: multipart/digest; boundary=x\n\n" + body + b"--x--\n"


@pytest.mark.parametrize(
    "part",
    [b"Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64", b"X-Note: nothing encoded here"],
    ids=["a file", "nothing encoded"],
)
def test_a_digest_whose_messages_are_encoded_inside_is_read_without_a_child(part):
    """A child takes a quarter of a second, and nearly every digest has such a message."""
    message = parse(digest(part))

    assert (ParseOutcome.FULL, ()) == (message.outcome, message.repairs)


@pytest.mark.parametrize(
    "part",
    [
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding:\n base64",
        b"Content-Transfer-Encoding: base64\nContent-Type: message/rfc822",
        b"Content-Transfer-Encoding: base64\nContent-Type: multipart/digest; boundary=y",
        b"Content-Transfer-Encoding: base64\nContent-Type: x",
        b"Content-Transfer-Encoding: base64\nno header\nContent-Type: text/plain",
        b"Content-Transfer-Encoding: base64\n--y\nContent-Type: text/plain",
        b"Content-Type: text/plain\n--x\nContent-Transfer-Encoding: base64",
        b"Content-Type: text/plain\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64",
        b"X: content-type: text/plain\nContent-Transfer-Encoding: base64",
    ],
)
def test_a_message_that_a_digest_hides_in_an_encoding_goes_to_the_child(part):
    assert "fallback-parser: HostileError" in parse(digest(part)).repairs


def test_encoded_words_in_a_text_are_text():
    raw = b"From: a@x\n\n" + b"=?utf-8?q?a?= " * 5_000

    assert ParseOutcome.FULL == parse(raw).outcome


def test_parse_headers_reads_no_body():
    message = parse_headers(golden("nested-multipart"), ParseOutcome.TOO_LARGE)

    assert (ParseOutcome.TOO_LARGE, "", ()) == (message.outcome, message.body_text, message.parts)
    assert ParseOutcome.UNREADABLE == parse_headers(b"").outcome


@pytest.mark.parametrize("name", NAMES)
def test_every_listed_part_can_be_fetched(name):
    message = parse(golden(name))

    for part in message.parts:
        content = part_content(golden(name), part.path)
        assert (part.size, part.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    with pytest.raises(Refused, match="no part"):
        part_content(golden(name), "9.9")


@pytest.mark.parametrize("name", NAMES)
def test_wire_gives_back_what_it_was_given(name):
    message = parse(golden(name))

    assert message == decode(encode(message))


def alike(message: Message) -> Message:
    """The message without what depends on the bytes of its line ends."""
    return replace(message, parts=tuple(replace(part, size=0, sha256="") for part in message.parts))


@pytest.mark.parametrize("name", NAMES)
def test_line_ends_do_not_matter(name):
    raw = golden(name)

    assert alike(parse(raw)) == alike(parse(raw.replace(b"\n", b"\r\n")))


def storable(message: Message) -> bool:
    encode(message)
    repr(message).encode()
    texts = [message.subject, message.body_text, message.date_raw, message.thread_topic, message.thread_index]
    texts += [text for box in (*message.from_, *message.to, *message.cc) for text in (box.name, box.address)]
    texts += [text for pair in message.headers for text in pair]
    texts += [text for part in message.parts for text in (part.filename, part.content_type, part.content_id)]
    joined = "".join((*texts, *message.references, message.message_id or ""))
    joined.encode()
    return "\0" not in joined


NO_CHILD = Limits(fallback_seconds=0)  # random bytes would start hundreds of children


@given(st.binary(max_size=2_000))
def test_parse_takes_any_bytes(raw):
    assert storable(parse(raw, limits=NO_CHILD))


LINES = st.sampled_from(
    [
        b"From: ", b"To: ", b"Subject: ", b"References: ", b"Date: ", b"Content-Type: ", b"multipart/mixed; boundary=b",
        b"text/html; charset=", b"message/rfc822", b"--b", b"--b--", b"\n", b"\r\n", b" ", b"<", b">", b"@", b'"', b",",
        b";", b":", b"(", b"\\", b"=?utf-8?q?", b"=?utf-7?b?", b"?=", b"\xff", b"\0", b"\xed\xa0\x80", b"+2AA-",
        b"utf-7",
        b"<p>", b"&#xd800;", b"Content-Transfer-Encoding: base64", b"Content-ID: <x>", b"filename*0*=''%ff",
    ]
)  # fmt: skip


@given(st.lists(LINES, max_size=60).map(b"".join))
def test_parse_takes_any_pieces_of_mail(raw):
    assert storable(parse(raw, limits=NO_CHILD))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(NAMES), st.integers(0, 2_000), st.binary(max_size=20), st.integers(0, 40))
def test_parse_takes_mutated_mails(name, at, inserted, dropped):
    raw = golden(name)

    assert storable(parse(raw[:at] + inserted + raw[at + dropped :], limits=NO_CHILD))


def test_repairs_do_not_quote_the_mail():
    raw = b"From: secret\nDate: secret\nSubject: secret\nContent-Type: text/plain; charset=secret\n\n\xff"

    repairs = parse(raw).repairs

    assert {"address-unparseable: from", "date-unparseable", "charset-fallback: 1"} == set(repairs)


def test_role_of_a_picture_shown_outside_related():
    raw = (
        b"From: a@x\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<img src='cid:one'>\n"
        b"--b\nContent-Type: image/png\nContent-Disposition: inline\nContent-ID: <one>\n\nx\n"
        b"--b\nContent-Type: image/png\nContent-Disposition: inline\nContent-ID: <two>\n\nx\n--b--\n"
    )

    assert [PartRole.BODY, PartRole.INLINE, PartRole.ATTACHMENT] == [part.role for part in parse(raw).parts]
