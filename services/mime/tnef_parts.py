"""A TNEF stream taken apart: what is attached in a ``winmail.dat`` stands below it, as parts of the mail."""

from collections.abc import Iterator

from services.mime import tnef, tnef_mail
from services.mime.tnef import Attachment, Contents
from services.mime.tree import Node

_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_NAME = "winmail.dat"


def unpack(root: Node) -> list[str]:
    """
    Replace each TNEF stream in a tree by what is in it, and return what had to be mended.

    Its text is taken only when the mail has no other: Outlook writes the text beside the stream as well. A stream
    without attachments, or that cannot be read, stays as it is. Never raises.
    """
    every = list(_leaves(root))
    streams = [node for node in every if node.content_type in _TYPES or node.filename.lower() == _NAME]
    if not streams:
        return []
    repairs = []
    has_text = any(node.content_type.startswith("text/") for node in every)
    for node in streams:
        contents = tnef.read(node.content or b"")
        texts = [] if has_text else _texts(contents)
        parts = [*texts, *(_part(one) for one in contents.attachments)]
        if parts:
            node.content_type, node.content, node.children = "application/ms-tnef", None, parts
            if contents.cut:
                repairs.append("TNEF breaks off")
    return repairs


def _leaves(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.children:
            waiting.extend(node.children)
        else:
            yield node


def _texts(contents: Contents) -> list[Node]:
    kind, charset, text = tnef_mail.text(contents)
    return [Node(kind, charset=charset, content=text)] if text else []


def _part(attachment: Attachment) -> Node:
    inner = tnef.read(attachment.embedded) if attachment.embedded is not None else None
    mail = tnef_mail.mail(inner) if inner is not None else b""
    if inner is not None and mail:
        subject = inner.text(tnef_mail.SUBJECT)
        return Node("message/rfc822", content=mail, subject=subject, disposition="attachment")
    shown = bool(attachment.content_id) and attachment.content_type.startswith("image/")
    return Node(
        attachment.content_type or "application/octet-stream",
        filename=attachment.name,
        content_id=attachment.content_id,
        disposition="inline" if shown else "attachment",
        content=attachment.embedded or attachment.content,
    )
