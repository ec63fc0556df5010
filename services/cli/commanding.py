"""Commands that people give on the command line, as records of the topic ``commands``."""

from datetime import UTC, datetime
from uuid import UUID

from services.cli.settings_changes import author
from services.contracts import encode
from services.storage.outbox import OutboxRow

TOPIC = "commands"


def record(
    command: UUID, kind: str, about: str, reason: str, *, by: str = "", target: str = "", onto: str = "",
    address: str = "", to: str = "", only_this: bool = False,
) -> OutboxRow:  # fmt: skip
    """Return the record of a command about an object, given ``by`` somebody, or by whoever runs this process."""
    value = {
        "id": str(command), "kind": kind, "object": about, "author": by or author(), "reason": reason,
        "time": datetime.now(UTC), "target": target, "onto": onto, "address": address, "record": to,
        "only_this": only_this,
    }  # fmt: skip
    return OutboxRow(TOPIC, about.encode(), encode("Command", value))
