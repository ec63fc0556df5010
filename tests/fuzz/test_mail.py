"""Mutated mails through parser, identity and record: no exception, and a record that can be sent."""

import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from services import contracts, mime
from services.contracts.received import Found, to_record
from services.domain.identity import identity

pytestmark = pytest.mark.fuzz

SEEDS = sorted(Path(__file__).parents[1].glob("golden/**/*.eml"))
MAILS = 20_000
SPLICES = (b"\r\n", b"\0", b"=?utf-8?q?", b"<", b">", b"(", b'"', b"--x", b"\xff\xfe", b":", b";", b"%", b" " * 200)


def mutated(raw: bytes, chance: random.Random) -> bytes:
    """A few cuts, copies, flips and splices."""
    mail = bytearray(raw)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(mail) + 1)
        to = min(len(mail), at + chance.randrange(1, 60))
        match chance.randrange(4):
            case 0:
                del mail[at:to]
            case 1:
                mail[at:at] = mail[at:to] * chance.randrange(1, 6)
            case 2 if mail:
                mail[min(at, len(mail) - 1)] = chance.randrange(256)
            case _:
                mail[at:at] = chance.choice(SPLICES)
    return bytes(mail)


def test_a_mutated_mail_becomes_a_record():
    """The seed of a failure is in its message; the same seed gives the same mail."""
    outcomes: Counter[str] = Counter()
    for seed in range(MAILS):
        chance = random.Random(seed)
        raw = mutated(chance.choice(SEEDS).read_bytes(), chance)
        try:
            message = mime.parse(raw)
            found = Found(
                delivery_id=UUID(int=seed),
                source="import",
                mailbox="m@x.example",
                folder="INBOX",
                folder_role="inbox",
                uidvalidity=None,
                uid=None,
                internal_date=datetime(2026, 1, 1, tzinfo=UTC),
                blob_sha256="",
                size=len(raw),
            )
            contracts.encode("MailReceived", to_record(message, identity=identity(message), found=found))
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
        outcomes[message.outcome] += 1

    assert outcomes["full"] > MAILS // 2
