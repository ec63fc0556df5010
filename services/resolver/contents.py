"""The content of stored deliveries, read from the blobs again."""

from collections.abc import Iterable
from dataclasses import replace

from services import mime
from services.domain.forwarding import Wrapper, wrapper_of
from services.domain.message import Message, ParseOutcome
from services.resolver.arrivals import Delivered
from services.resolver.ledger import Item
from services.storage.blobs import BlobFolder


def contents(deliveries: Iterable[Delivered], blobs: BlobFolder) -> tuple[list[Item], list[Delivered]]:
    """Return the deliveries with their content, and those whose content is gone; a blob is read once."""
    read: dict[bytes, Message] = {}
    items, without = [], []
    for delivered in deliveries:
        sha256, around = delivered.blob_sha256 or b"", delivered.wrapper_sha256 or b""
        for one in (sha256, around):
            if one and one not in read and blobs.exists(one.hex()):
                read[one] = mime.parse_file(blobs.path(one.hex()))
        if sha256 in read and (not around or around in read):
            message = read[sha256]
            items.append(Item(delivered, message, _wrapper(delivered, read.get(around, message))))
        else:
            without.append(delivered)
    return items, without


def limited(item: Item, blobs: BlobFolder, largest: int) -> Item:
    """Return a delivery with its content as a limit in bytes for whole mails makes it."""
    if blobs.path((item.delivered.blob_sha256 or b"").hex()).stat().st_size <= largest:
        return item
    return replace(item, message=replace(item.message, outcome=ParseOutcome.TOO_LARGE))


def _wrapper(delivered: Delivered, mail: Message) -> Wrapper | None:
    if delivered.wrapper_messages is None:
        return None
    sha256 = (delivered.wrapper_sha256 or b"").hex()
    return wrapper_of(mail, messages=delivered.wrapper_messages, blob_sha256=sha256)
