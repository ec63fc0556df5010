"""Import by the same hand-over, killed and run again."""

import pytest

from services.domain.errors import Retry
from services.fetcher.importing import import_path

pytestmark = pytest.mark.component

SEPARATOR = b"From a@b Tue Jan  4 10:11:12 2022\n"
MAIL = (
    b"Message-ID: <%d@example.org>\nSubject: mail\nFrom: a@example.org\nDate: Mon, 3 Jan 2022 10:00:00 +0000\n\nbody\n"
)


@pytest.fixture
def source(tmp_path):
    """250 different mails and three equal ones."""
    path = tmp_path / "list.mbox"
    mails = [MAIL % n for n in range(250)] + [MAIL % 999] * 3
    path.write_bytes(b"".join(SEPARATOR + m + b"\n" for m in mails))
    return path


def run(outside, path, **options):
    seen = []
    options = {"folder": "Archive", "limit": 10**8, **options}
    report = import_path(
        outside.ports, path, mailbox=outside.mailbox.upper(), progress=lambda *p: seen.append(p), **options
    )
    return (report.new, report.known, report.failed), seen


def test_import_and_again(outside, source):
    assert ((253, 0, 0), [(100, 253), (200, 253), (253, 253)]) == run(outside, source)
    assert (0, 253, 0) == run(outside, source)[0]

    records = outside.records()
    assert 253 == len(records) == len({r["delivery_id"] for r in records})
    assert {"2022-01-04T10:11:12+00:00"} == {r["internal_date"].isoformat() for r in records}
    assert {"1"} == {row.headers["backfill"] for row in outside.sent}
    assert (outside.mailbox, "Archive", "", None, "import") == tuple(
        records[0][k] for k in ("mailbox", "folder", "folder_role", "uid", "source")
    )
    assert [(253,)] == outside.rows("SELECT count(*) FROM fetcher.delivery WHERE mailbox = %(mailbox)s")


def test_a_killed_import_goes_on(outside, source):
    """What was sent and not committed is sent again under the same ids."""
    send, calls = outside.ports.send, []

    def fail_late(rows):
        calls.append(len(rows))
        send(rows)
        if len(calls) == 2:
            raise Retry("killed")

    object.__setattr__(outside.ports, "send", fail_late)
    with pytest.raises(Retry):
        run(outside, source)
    object.__setattr__(outside.ports, "send", send)

    assert (153, 100, 0) == run(outside, source)[0]
    ids = [r["delivery_id"] for r in outside.records()]
    assert 353 == len(ids)
    assert 253 == len(set(ids))


def test_the_same_mail_in_another_folder_is_another_delivery(outside, source):
    run(outside, source)
    assert (253, 0, 0) == run(outside, source, folder="Sent")[0]
    assert "sent" == outside.records()[-1]["folder_role"]


def test_broken_mails_are_mails_and_unreadable_files_are_counted(outside, tmp_path):
    (tmp_path / "a.eml").write_bytes(b"\x00\xff\xfe" * 100)
    (tmp_path / "b.eml").write_bytes(b"")
    (tmp_path / "c.eml").symlink_to(tmp_path / "gone")

    assert (2, 0, 1) == run(outside, tmp_path)[0]


def test_a_damaged_mail_is_named_by_the_id_that_explains_it(outside, tmp_path):
    (tmp_path / "a.eml").write_bytes(b"\x00\xff\xfe" * 100)
    (tmp_path / "b.eml").write_bytes(b"Message-ID: <b@x.example>\nSubject: no sender\n\nbody\n")
    (tmp_path / "c.eml").write_bytes(MAIL % 3)

    report = import_path(outside.ports, tmp_path, mailbox=outside.mailbox, folder="INBOX", limit=10**8)

    ids = {r["message_id"] for r in outside.records()}
    assert "<b@x.example>: no sender and no date" in report.damaged
    assert 2 == len(report.damaged)
    assert all(line[1 : line.index(">")] in ids for line in report.damaged)


def test_large_and_too_large_mails(outside, tmp_path):
    (tmp_path / "a.eml").write_bytes(MAIL % 1 + b"x" * 6_000_000)
    (tmp_path / "b.eml").write_bytes(MAIL % 2 + b"x" * 9_000_000)

    assert (2, 0, 0) == run(outside, tmp_path, limit=8_000_000)[0]
    one, two = outside.records()
    assert one["size"] == outside.ports.blobs.path(one["blob_sha256"]).stat().st_size
    assert ("too_large", "") == (two["parse_outcome"], two["blob_sha256"])
    assert (0, 2, 0) == run(outside, tmp_path, limit=8_000_000)[0]
