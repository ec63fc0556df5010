"""A mail that comes in pieces stays the same mail; a large one does not stay in memory."""

import hashlib
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.fetch import STREAMED_ABOVE
from services.fetcher.handover import Content, Stored
from services.fetcher.spooling import Spool

KILOBYTE = 1024


@dataclass
class Blob:
    written: bytearray = field(default_factory=bytearray)
    ended: str = ""

    def write(self, chunk: bytes) -> None:
        self.written += chunk

    def commit(self) -> str:
        self.ended = "commit"
        return hashlib.sha256(self.written).hexdigest()

    def abort(self) -> None:
        self.ended = self.ended or "abort"


@given(st.lists(st.integers(0, 2048), max_size=8))
def test_all_pieces_are_there_in_order(sizes):
    blob = Blob()
    spool = Spool(lambda: blob)
    pieces = [bytes([n % 256]) * size * KILOBYTE for n, size in enumerate(sizes)]
    for piece in pieces:
        spool.write(piece)
    whole = b"".join(pieces)

    mail = spool.finish()
    spool.abort()

    assert (len(whole), hashlib.sha256(whole).hexdigest()) == (mail.size, mail.sha256)
    if len(whole) > STREAMED_ABOVE:
        assert Stored(mail.sha256) == mail.content
        assert (whole, "commit") == (bytes(blob.written), blob.ended)
    else:
        assert Content(whole) == mail.content
        assert "" == blob.ended


def test_a_mail_that_is_given_up_leaves_nothing():
    blob = Blob()
    spool = Spool(lambda: blob)
    spool.write(b"x" * (STREAMED_ABOVE + 1))

    spool.abort()

    assert "abort" == blob.ended
