"""A message that is too large for a record, cut down until it fits."""

from dataclasses import replace

from services.domain.message import Message

FEW = 500


def shortened(message: Message) -> Message:
    """Return the message cut down to what surely fits into a record; only mail made to do harm is that large."""
    return replace(
        message,
        references=message.references[-FEW:],
        to=message.to[:FEW],
        cc=message.cc[:FEW],
        bcc=message.bcc[:FEW],
        headers=tuple((name, value[:FEW]) for name, value in message.headers[:FEW]),
        parts=message.parts[:FEW],
        body_text="",
        body_truncated=True,
        repairs=(*message.repairs[:FEW], "record_shortened"),
    )
