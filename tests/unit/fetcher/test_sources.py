"""What can be imported: eml, folders, mbox, Maildir; broken ones too."""

# ruff: noqa: E501 - a case is a line

from datetime import UTC, datetime

import pytest

from services.domain.errors import Refused
from services.fetcher import sources
from services.fetcher.sources import Unreadable, Whole

DATE = "Tue Jan  4 10:11:12 2022"


def contents(path):
    found = list(sources.mails(path))
    assert len(found) == sources.count(path)
    return [f.content for f in found if isinstance(f, Whole)]


def mbox(tmp_path, text):
    path = tmp_path / "list.mbox"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"From a@b {DATE}\nA: 1\n\nx\n\nFrom a@b {DATE}\nA: 2\n\ny\n", [b"A: 1\n\nx\n", b"A: 2\n\ny\n"], id="two"),
        pytest.param(f"From a@b {DATE}\nA: 1\n\n>From x\n>>From y\n", [b"A: 1\n\nFrom x\n>From y\n"], id="quoted"),
        pytest.param(f"From a@b {DATE}\nA: 1\n\nhi\n\nFrom what I see\nit works\n", [b"A: 1\n\nhi\n\nFrom what I see\nit works\n"], id="unquoted sentence"),
        pytest.param(f"From a@b {DATE}\nA: 1\n\nhi\nFrom a: b\nc\n", [b"A: 1\n\nhi\nFrom a: b\nc\n"], id="in the midst of a paragraph"),
        pytest.param(f"From a at b.org  {DATE}\nA: 1\n\nx\nFrom a at b.org  {DATE}\nA: 2\n\ny\n", [b"A: 1\n\nx\n", b"A: 2\n\ny\n"], id="no empty line between"),
        pytest.param("From a@b\nA: 1\n\nx\n\nFrom a@b\nA: 2\n\ny\n", [b"A: 1\n\nx\n", b"A: 2\n\ny\n"], id="no date"),
        pytest.param(f"From a@b {DATE}\r\nA: 1\r\n\r\nx\r\n\r\nFrom a@b {DATE}\r\nA: 2\r\n\r\n", [b"A: 1\r\n\r\nx\r\n", b"A: 2\r\n"], id="crlf"),
        pytest.param(f"From a@b {DATE}\nA: 1\n\nno end", [b"A: 1\n\nno end"], id="no last line break"),
        pytest.param(f"From a@b {DATE}\n\nFrom c@d {DATE}\nA: 2\n\n", [b"", b"A: 2\n"], id="an empty mail is a mail"),
        pytest.param(f"From a@b {DATE}\n\xff\xfe\x00\n", ["\xff\xfe\x00\n".encode()], id="rubbish is a mail"),
        pytest.param(f"From a@b {DATE}\nA: 1\n\n\n\nx\n\n\n", [b"A: 1\n\n\n\nx\n\n"], id="inner empty lines stay"),
    ],
)  # fmt: skip
def test_mbox(tmp_path, text, expected):
    assert expected == contents(mbox(tmp_path, text))


def test_mbox_with_one_endless_line(tmp_path):
    body = b"x" * 300_000 + b"From " + b"y" * 300_000

    assert [b"A: 1\n\n" + body] == contents(mbox(tmp_path, f"From a@b {DATE}\nA: 1\n\n".encode() + body))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("From - Tue Jan 04 10:11:12 2022", datetime(2022, 1, 4, 10, 11, 12, tzinfo=UTC)),
        ("From a at b.org  Tue Jan  4 10:11:12 2022", datetime(2022, 1, 4, 10, 11, 12, tzinfo=UTC)),
        ("From a@b Tue Jan  4 10:11:12 +0000 2022", datetime(2022, 1, 4, 10, 11, 12, tzinfo=UTC)),
        ("From a@b Tue Jan  4 10:11 2022", datetime(2022, 1, 4, 10, 11, tzinfo=UTC)),
        ("From a@b Tue Feb 31 10:11:12 2022", None),
        ("From a@b", None),
    ],
)
def test_mbox_separator_gives_the_date(tmp_path, line, expected):
    (found,) = sources.mails(mbox(tmp_path, f"{line}\nA: 1\n\n"))

    assert isinstance(found, Whole)
    assert expected == found.received


def test_a_large_mail_of_an_mbox_is_not_held_in_memory(tmp_path):
    body = b"0123456789abcde\n" * (6 * 1024 * 1024 // 16)
    path = mbox(tmp_path, b"From a@b\nA: 1\n\n" + body + b"\nFrom a@b\nA: 2\n\nsmall\n")

    found = [mail.content if isinstance(mail, Whole) else mail.path.read_bytes() for mail in sources.mails(path)]

    assert [b"A: 1\n\n" + body, b"A: 2\n\nsmall\n"] == found


def test_maildir_rules(tmp_path):
    """new and cur count; tmp is still being delivered, dot files and sub-folders are others' business."""
    for part in ("cur", "new", "tmp", ".Sent/cur"):
        (tmp_path / part).mkdir(parents=True)
    (tmp_path / "new" / "2.M1.host").write_bytes(b"A: new\n\n")
    (tmp_path / "cur" / "1.M1.host:2,S").write_bytes(b"From x\nA: cur\n\n")
    (tmp_path / "cur" / ".hidden").write_bytes(b"no")
    (tmp_path / "tmp" / "3.M1.host").write_bytes(b"no")
    (tmp_path / ".Sent" / "cur" / "4").write_bytes(b"no")

    assert [b"A: new\n\n", b"From x\nA: cur\n\n"] == contents(tmp_path)
    assert all(isinstance(m, Whole) and m.received is not None for m in sources.mails(tmp_path))


def test_a_folder_of_eml_is_read_to_its_depth_in_order(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "1.EML").write_bytes(b"A: 2\n\n")
    (tmp_path / "a.eml").write_bytes(b"A: 1\n\n")
    (tmp_path / "note.txt").write_bytes(b"not mail")
    (tmp_path / "b" / "loop").symlink_to(tmp_path)

    assert [b"A: 1\n\n", b"A: 2\n\n"] == contents(tmp_path)


def test_a_single_file_of_any_name_is_a_mail(tmp_path):
    for name, content in (("x", b"Subject: hi\n\n"), ("y.eml", b"From someone\n"), ("z.eml", b"")):
        (tmp_path / name).write_bytes(content)

        assert [content] == contents(tmp_path / name)


def test_a_file_that_cannot_be_read_is_named_and_the_rest_goes_on(tmp_path):
    (tmp_path / "a.eml").symlink_to(tmp_path / "gone")
    (tmp_path / "b.eml").write_bytes(b"A: 1\n\n")

    found = list(sources.mails(tmp_path))

    assert [Unreadable, Whole] == [type(f) for f in found]
    assert 2 == sources.count(tmp_path)


def test_a_path_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(Refused, match="does not exist"):
        list(sources.mails(tmp_path / "gone"))
