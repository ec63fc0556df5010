"""Windows, batches, missing mails and streaming, against a server in memory."""

import re
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from services.fetcher import failures
from services.fetcher.answers import Listed
from services.fetcher.fetch import PIECE, Large, Small, TooLarge, batches, read, stream, windows

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MB = 1024 * 1024


class Server:
    """A folder in memory that speaks through imaplib's shapes; ``lies`` are sizes that it announces wrongly."""

    def __init__(self, mails, *, mute=(), lies=None):
        self.mails, self.mute, self.lies, self.asked = dict(mails), set(mute), lies or {}, 0

    def fetch(self, uids, items, /):
        self.asked += 1
        answers: list[object] = []
        for uid in self._uids(uids):
            content = self.mails[uid]
            part = re.search(r"<(\d+)\.(\d+)>", items)
            if "RFC822.SIZE" in items:
                size = self.lies.get(uid, len(content))
                answers.append(f'1 (UID {uid} INTERNALDATE "01-Jan-2024 10:00:00 +0000" RFC822.SIZE {size})'.encode())
            elif uid in self.mute:
                answers.append(b"1 (UID %d BODY[] NIL)" % uid)
            else:
                if part:
                    start, length = map(int, part.groups())
                    content = content[start : start + length]
                answers += [(b"1 (UID %d BODY[] {%d}" % (uid, len(content)), content), b")"]
        return answers

    fetch_checked = fetch

    def present(self, uids, /):
        return frozenset(uids) & frozenset(self.mails)

    def _uids(self, text):
        for piece in text.split(","):
            first, _, last = piece.partition(":")
            yield from (u for u in sorted(self.mails) if int(first) <= u <= int(last or first))


class Writer:
    """A blob in memory."""

    def __init__(self):
        self.data, self.state = b"", "open"

    def write(self, chunk, /):
        self.data += chunk

    def commit(self):
        self.state = "committed"
        return "sha"

    def abort(self):
        self.state = "aborted"


def never():
    raise AssertionError("no blob is written for small mails")


def list_of(*sizes):
    return [Listed(i, NOW, s) for i, s in enumerate(sizes, 1)]


def test_windows_cover_every_uid_once():
    server = Server({1: b"a", 2001: b"b", 5000: b"c", 9999: b"beyond"})

    found = list(windows(server, 0, 6000, NOW))

    assert [1, 2001, 5000] == [m.uid for w in found for m in w.mails]
    assert 1 == found[0].first
    assert 5999 == found[-1].last
    assert all(a.last + 1 == b.first for a, b in pairwise(found))


def test_windows_jump_over_gaps():
    """A folder with one mail at the end of a long history takes few questions."""
    server = Server({4_000_000_000: b"x"})

    assert [4_000_000_000] == [m.uid for w in windows(server, 0, 4_000_000_001, NOW) for m in w.mails]
    assert server.asked < 30


def test_windows_of_an_unchanged_folder_ask_nothing():
    server = Server({5: b"x"})

    assert [] == list(windows(server, 5, 6, NOW))
    assert 0 == server.asked


def test_batches_are_bounded_and_ordered():
    mails = list_of(*[1000] * 250, 5 * MB, 3 * MB, 3 * MB, 3 * MB, 200 * MB)

    found = list(batches(mails, limit=150 * MB))

    assert mails == [m for b in found for m in b]
    assert [100, 100, 50, 1, 2, 1, 1] == [len(b) for b in found]


def test_a_batch_with_a_mail_that_went_away():
    """Expunged between listing and reading: a search says so and it is left out."""
    server = Server({1: b"a", 3: b"c"})

    assert [1, 3] == [g.listed.uid for g in read(server, list_of(1, 1, 1), never, limit=MB)]


def test_a_mail_without_content_that_is_still_there_is_an_error():
    server = Server({1: b"a", 2: b"b", 3: b"c"}, mute={2})

    with pytest.raises(failures.BodyMissing):
        read(server, list_of(1, 1, 1), never, limit=MB)


def test_small_mails_come_whole():
    assert [Small(Listed(1, NOW, 1), b"a")] == read(Server({1: b"a"}), list_of(1), never, limit=MB)


def test_a_mail_over_the_limit_gives_headers_only():
    (got,) = read(Server({1: b"Subject: x\r\n\r\n"}), list_of(9 * MB), never, limit=8 * MB)

    assert isinstance(got, TooLarge)
    assert b"Subject: x\r\n\r\n" == got.headers


@pytest.mark.parametrize("announced", [None, 1, 20 * MB], ids=["true size", "too small", "too large"])
def test_streaming_takes_the_whole_mail_whatever_size_is_announced(announced):
    content = bytes(range(256)) * (5 * PIECE // 256) + b"end"
    writer = Writer()

    got = stream(Server({1: content}), Listed(1, NOW, announced or len(content)), lambda: writer)

    assert isinstance(got, Large)
    assert len(content) == got.size
    assert content == writer.data
    assert "committed" == writer.state


def test_streaming_leaves_nothing_when_the_mail_goes_away():
    writer = Writer()

    assert stream(Server({}), Listed(1, NOW, 9 * MB), lambda: writer) is None
    assert "aborted" == writer.state
