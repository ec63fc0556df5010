"""Commands that people give on the command line, as records of the topic ``commands``."""

from datetime import UTC, datetime
from uuid import UUID

from services.cli.settings_changes import author
from services.contracts import encode
from services.storage.outbox import OutboxRow

TOPIC = "commands"


def record(command: UUID, kind: str, about: str, reason: str, *, target: str = "", onto: str = "") -> OutboxRow:
    """Return the record of a command about an object, given by whoever runs this process."""
    value = {
        "id": str(command), "kind": kind, "object": about, "author": author(), "reason": reason,
        "time": datetime.now(UTC), "target": target, "onto": onto,
    }  # fmt: skip
    return OutboxRow(TOPIC, about.encode(), encode("Command", value))
