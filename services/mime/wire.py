"""A message as JSON between child and parent: plain text, because the child read what strangers wrote."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from services.domain.message import (
    Mailbox,
    Message,
    MessageId,
    ParseOutcome,
    Part,
    PartRole,
    Report,
    Reported,
    ReportForm,
)
from services.mime.limits import Limits

_MAILBOXES = ("from_", "sender", "reply_to", "to", "cc", "bcc")


def encode(message: Message) -> bytes:
    """Return a message as JSON."""
    fields = asdict(message)
    fields["date"] = message.date.isoformat() if message.date else None
    return json.dumps(fields).encode("ascii")


def decode(data: bytes) -> Message:
    """Return the message that :func:`encode` wrote; ValueError, KeyError or TypeError for anything else."""
    fields: dict[str, Any] = json.loads(data)
    for name in _MAILBOXES:
        fields[name] = tuple(Mailbox(**one) for one in fields[name])
    for name in ("in_reply_to", "references"):
        fields[name] = tuple(MessageId(one) for one in fields[name])
    fields["date"] = datetime.fromisoformat(fields["date"]) if fields["date"] else None
    fields["headers"] = tuple((name, value) for name, value in fields["headers"])
    fields["parts"] = tuple(Part(**{**one, "role": PartRole(one["role"])}) for one in fields["parts"])
    fields["repairs"] = tuple(fields["repairs"])
    fields["outcome"] = ParseOutcome(fields["outcome"])
    if fields["report"] is not None:
        form, about, recipients = (fields["report"][name] for name in ("form", "about", "recipients"))
        told = tuple(Reported(**one) for one in recipients)
        fields["report"] = Report(ReportForm(form), tuple(MessageId(one) for one in about), told)
    return Message(**fields)


def order(wanted: str, limits: Limits, *, size: int, why: str = "", path: str = "", file: str = "") -> bytes:
    """Return the line that tells the child what to do; the mail follows it unless a file is named."""
    fields = {"do": wanted, "limits": asdict(limits), "size": size, "why": why, "path": path, "file": file}
    return json.dumps(fields).encode("ascii") + b"\n"
