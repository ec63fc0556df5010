"""What the demonstration delivers: read from the files beside this module."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
MAILS = FOLDER / "mails"
DIRECTORY = FOLDER / "directory.jsonl"
SETTINGS = FOLDER / "settings.json"

OWNERS: Mapping[str, str] = {
    "anna.berg@northlight.example": "user:anna",
    "ben.okafor@northlight.example": "user:ben",
    "support@northlight.example": "queue:support",
    "sales@northlight.example": "queue:sales",
}
"""The mailboxes of the demonstration and who owns each."""


@dataclass(frozen=True, slots=True)
class Post:
    """One mail for one mailbox, with the moment at which its server got it."""

    name: str
    mailbox: str
    received: datetime
    raw: bytes


def posts() -> tuple[Post, ...]:
    """Return everything to deliver, in the order of delivery, with the line ends of RFC 5322 section 2.1."""
    lines = (FOLDER / "deliveries.jsonl").read_text("utf-8").splitlines()
    return tuple(_post(json.loads(line)) for line in lines)


def _post(entry: Mapping[str, str]) -> Post:
    raw = (MAILS / f"{entry['mail']}.eml").read_bytes()
    wire = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return Post(entry["mail"], entry["mailbox"], datetime.fromisoformat(entry["received"]), wire)
