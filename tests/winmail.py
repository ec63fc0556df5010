"""Writes TNEF streams for tests (MS-OXTNEF): attached files, and embedded messages as their properties."""

import struct
from collections.abc import Iterable

SIGNATURE = b"\x78\x9f\x3e\x22"
MESSAGE = bytes.fromhex("0703020000000000c000000000000046")


def attribute(name: int, data: bytes, level: int = 2) -> bytes:
    """One attribute with its checksum."""
    return struct.pack("<BII", level, name, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def properties(values: Iterable[tuple[int, int, bytes]]) -> bytes:
    """Encoded MAPI properties of variable length, or of eight bytes for times: kind, id, value."""
    found = []
    for kind, number, value in values:
        found.append(struct.pack("<HH", kind, number))
        if kind == 0x40:
            found.append(value)
        else:
            found.append(struct.pack("<II", 1, len(value)) + value + b"\0" * (-len(value) % 4))
    return struct.pack("<I", len(found) // 2) + b"".join(found)


def text(number: int, value: str) -> tuple[int, int, bytes]:
    """A property of Unicode text."""
    return 0x1F, number, f"{value}\0".encode("utf-16-le")


def stream(*attachments: bytes, values: Iterable[tuple[int, int, bytes]] = ()) -> bytes:
    """A whole stream: the properties of its message, then attachments."""
    own = attribute(0x00069003, properties(values), level=1)
    return SIGNATURE + b"\x01\x00" + own + b"".join(attachments)


def file(name: str, content: bytes) -> bytes:
    """An attached file."""
    return (
        attribute(0x00069002, b"\0" * 14)
        + attribute(0x00018010, name.encode() + b"\0")
        + attribute(0x0006800F, content)
    )


def embedded(inner: bytes) -> bytes:
    """An embedded message, given as a stream of its own."""
    return attribute(0x00069002, b"\0" * 14) + attribute(0x00069005, properties([(0x0D, 0x3701, MESSAGE + inner)]))
