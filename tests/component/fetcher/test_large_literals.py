"""
The largest mails there are, read by a process that does not grow by them: fetcher, router and endpoint.

With ``-s`` it is said by how much.
"""

import json
import os
import subprocess
import sys
from hashlib import sha256
from itertools import chain, repeat
from pathlib import Path

import pytest

from services.cli.stack.unprivileged import identity
from tests.component.fetcher.routed import token_of
from tests.conftest import CHECKOUT

pytestmark = pytest.mark.component

HEAD = (
    b"Message-ID: <%d@example.org>\r\nFrom: a@example.org\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
)
LINES = (b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2" + b"\r\n") * 16_000
FEW_MB = 16
"""Pieces on their way, at both ends where there are two; the mail itself would be nine times that."""


@pytest.mark.parametrize("by", ["fetcher", "router and endpoint"])
def test_a_literal_of_150_mb_raises_memory_by_a_few_mb(stack, outside, dovecot, tmp_path, by):
    def deliver(megabytes: int) -> str:
        """Put a mail into the mailbox that nobody holds in memory; return its hash."""
        config = Path(stack.environ["MAILWEAVE_HOME"]) / "dovecot" / "dovecot.conf"
        path, digest, written = tmp_path / "mail", sha256(), 0
        with path.open("wb") as file:
            for piece in chain([HEAD % megabytes], repeat(LINES)):
                file.write(piece)
                digest.update(piece)
                written += len(piece)
                if written + len(LINES) > megabytes << 20:
                    break
        who = identity(os.environ["PATH"])
        command = [*who.prefix, "doveadm", "-c", str(config), "save", "-u", outside.mailbox]
        with path.open("rb") as file:
            subprocess.run(command, stdin=file, check=True, capture_output=True)
        return digest.hexdigest()

    hashes = [deliver(30)]  # what takes its room once has it before
    given = {
        "url": outside.url, "mailbox": outside.mailbox, "host": dovecot.host, "port": dovecot.port,
        "blobs": str(tmp_path / "blobs"), "room": str(tmp_path), "token": "" if by == "fetcher" else token_of(outside),
    }  # fmt: skip
    reading = subprocess.Popen(
        [sys.executable, "-m", "tests.component.fetcher.reading_alone", json.dumps(given)],
        cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert reading.stdout is not None
        assert reading.stdout.readline() == "ready\n"
        hashes.append(deliver(150))
        said, _ = reading.communicate("go on\n", timeout=120)
    finally:
        reading.kill()
        reading.wait()

    stored = "SELECT encode(blob_sha256, 'hex') FROM fetcher.delivery WHERE mailbox = %(mailbox)s ORDER BY uid"
    assert [(one,) for one in hashes] == outside.rows(stored)
    assert float(said) < FEW_MB
