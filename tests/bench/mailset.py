"""The mails of a run: the reference set where it is to be had, else one of our own in the same mix."""

import os
import random
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

ADDRESS = b"inbox@crm.example"
SOURCES = ("threads-open-iscsi", "phish-spam-corpus")
_ID = re.compile(rb"<([^<>@\s]{6,120})@")
_WORDS = Path(__file__).with_name("words.txt").read_text().split()


def make(folder: Path, count: int) -> str:
    """Write ``count`` mails into the folder; return where they come from."""
    folder.mkdir(parents=True, exist_ok=True)
    bench, corpora = os.environ.get("MAILWEAVE_BENCH"), os.environ.get("MAILWEAVE_CORPORA")
    if bench and corpora:
        bodies = folder.parent / "bodies"
        for source in SOURCES:
            with tarfile.open(Path(corpora, f"{source}.tar.xz")) as archive:
                archive.extractall(bodies, filter="data")
        maker = Path(bench, "make_mailset.py")
        command = [sys.executable, str(maker), "--out", str(folder), "--count", str(count), *map(str, bodies.iterdir())]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return "the reference set"
    for number, mail in enumerate(_own(count, random.Random(7))):
        (folder / f"{number:06}.eml").write_bytes(mail)
    return "our own set (neither MAILWEAVE_BENCH nor MAILWEAVE_CORPORA is set)"


def read(folder: Path) -> list[bytes]:
    """Return the mails in order, with the line ends of IMAP."""
    return [path.read_bytes() for path in sorted(folder.glob("*.eml"))]


def fresh(mail: bytes, run: str, address: str) -> bytes:
    """Return the mail as another message of the same kind: other ids, same threads, another recipient."""
    return _ID.sub(rb"<" + run.encode() + rb".\1@", mail).replace(ADDRESS, address.encode())


def _own(count: int, chance: random.Random) -> Iterator[bytes]:
    """70 % text of 2 to 10 kB, 20 % HTML of 20 to 60 kB, 10 % with 0.1 to 1 MB attached; two thirds are replies."""
    threads: list[list[str]] = []
    for number in range(count):
        mail = EmailMessage()
        own = f"<{chance.getrandbits(64):016x}.{number}@bench.example>"
        reply = bool(threads) and chance.random() < 0.66
        thread = chance.choice(threads[-200:]) if reply else []
        if not reply:
            threads.append(thread)
        mail["From"] = f"Person {number % 97} <person{number % 97}@company{number % 13}.example>"
        mail["To"] = ADDRESS.decode()
        mail["Subject"] = ("Re: " if reply else "") + _text(chance, 40).replace("\n", " ")
        mail["Date"] = f"Tue, 24 Nov 2026 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02} +0000"
        mail["Message-ID"] = own
        if thread:
            mail["In-Reply-To"], mail["References"] = thread[-1], " ".join(thread[-10:])
        thread.append(own)
        kind = chance.random()
        mail.set_content(_text(chance, chance.randint(2000, 10_000)))
        if 0.7 <= kind < 0.9:
            mail.add_alternative(f"<p>{_text(chance, chance.randint(20_000, 60_000))}</p>", subtype="html")
        elif kind >= 0.9:
            data = chance.randbytes(chance.randint(75_000, 750_000))
            mail.add_attachment(data, maintype="application", subtype="pdf", filename=f"file{number}.pdf")
        if mail.is_multipart():
            mail.set_boundary(f"part-{number}")
        yield mail.as_bytes().replace(b"\n", b"\r\n")


def _text(chance: random.Random, length: int) -> str:
    lines, size = [], 0
    while size < length:
        lines.append(" ".join(chance.choices(_WORDS, k=10)))
        size += len(lines[-1]) + 1
    return "\n".join(lines)[:length].strip()
