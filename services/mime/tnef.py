"""What a TNEF stream holds ("winmail.dat", MS-OXTNEF): the properties of a message, and its attachments."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

SIGNATURE = b"\x78\x9f\x3e\x22"
TEXT, UNICODE, OBJECT, BINARY = 0x1E, 0x1F, 0x0D, 0x102
_ATTACHMENT_BEGINS = 0x00069002
_ATTACHMENT_TITLE = 0x00018010
_ATTACHMENT_DATA = 0x0006800F
_ATTACHMENT_PROPERTIES = 0x00069005
_MESSAGE_PROPERTIES = 0x00069003
_CODE_PAGE = 0x00069007
_ATTACHED_OBJECT = 0x3701
_LONG_FILENAME = 0x3707
_CONTENT_TYPE = 0x370E
_CONTENT_ID = 0x3712
_MESSAGE = bytes.fromhex("0703020000000000c000000000000046")  # the interface id of an embedded message
_MOST_ATTRIBUTES = 5_000
_MOST_PROPERTIES = 5_000
_FIXED = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_VARIABLE = (TEXT, UNICODE, OBJECT, BINARY)
_MANY = 0x1000
_NAMED = 0x8000


@dataclass(frozen=True, slots=True)
class Property:
    """The first value of a MAPI property, as it stands."""

    kind: int
    value: bytes


@dataclass(slots=True)
class Attachment:
    """A file, or an embedded message as a TNEF stream of its own."""

    name: str = ""
    content: bytes = b""
    content_type: str = ""
    content_id: str = ""
    embedded: bytes | None = None


@dataclass(slots=True)
class Contents:
    """What one stream holds; ``properties`` by id. It is ``cut`` when it breaks off."""

    properties: dict[int, Property] = field(default_factory=dict)
    attachments: list[Attachment] = field(default_factory=list)
    code_page: str = "cp1252"
    cut: bool = False

    def text(self, number: int) -> str:
        """Return a property as text, empty where it is none."""
        found = self.properties.get(number)
        return decoded(found, self.code_page) if found is not None else ""


def decoded(found: Property, code_page: str) -> str:
    """Return the text of a property; empty when it is of another kind."""
    if found.kind == UNICODE:
        return found.value.decode("utf-16-le", "replace").rstrip("\0")
    if found.kind != TEXT:
        return ""
    try:
        return found.value.decode(code_page, "replace").rstrip("\0")
    except LookupError:
        return found.value.decode("cp1252", "replace").rstrip("\0")


def read(raw: bytes) -> Contents:
    """
    Return what can be read of a stream, up to where it breaks off. Never raises, for any bytes.

    Takes time and memory in proportion to the size: every length in it is only believed as far as there are bytes.
    """
    found = Contents()
    for name, data, whole in _attributes(raw):
        found.cut = found.cut or not whole
        if name == _CODE_PAGE and len(data) >= 4:  # noqa: PLR2004 - a number of four bytes
            found.code_page = f"cp{int.from_bytes(data[:4], 'little')}"
        elif name == _MESSAGE_PROPERTIES:
            found.properties.update(_properties(data))
        elif name == _ATTACHMENT_BEGINS:
            found.attachments.append(Attachment())
        elif found.attachments:
            _describe(found.attachments[-1], name, data, found.code_page)
    return found


def _describe(attachment: Attachment, name: int, data: bytes, code_page: str) -> None:
    if name == _ATTACHMENT_TITLE:
        attachment.name = attachment.name or decoded(Property(TEXT, data), code_page)
    elif name == _ATTACHMENT_DATA:
        attachment.content = data
    elif name == _ATTACHMENT_PROPERTIES:
        properties = _properties(data)
        if _LONG_FILENAME in properties:
            attachment.name = decoded(properties[_LONG_FILENAME], code_page) or attachment.name
        if _CONTENT_TYPE in properties:
            attachment.content_type = decoded(properties[_CONTENT_TYPE], code_page).lower()
        if _CONTENT_ID in properties:
            attachment.content_id = decoded(properties[_CONTENT_ID], code_page).strip("<> ")
        held = properties.get(_ATTACHED_OBJECT)
        if held is not None and held.kind == OBJECT and held.value.startswith(_MESSAGE):
            attachment.embedded = held.value[len(_MESSAGE) :]


def _attributes(raw: bytes) -> Iterator[tuple[int, bytes, bool]]:
    """
    Yield name and data of each attribute, and whether all of it is there.

    After signature and key come, for each, a level, a name, a length, data and a checksum.
    """
    if not raw.startswith(SIGNATURE):
        return
    at = 6
    for _ in range(_MOST_ATTRIBUTES):
        if at + 9 > len(raw):
            return
        _, name, size = struct.unpack_from("<BII", raw, at)
        yield name, raw[at + 9 : at + 9 + size], at + 9 + size <= len(raw)
        at += 9 + size + 2


def _properties(data: bytes) -> Mapping[int, Property]:
    found: dict[int, Property] = {}
    at = 4
    try:
        for _ in range(min(int.from_bytes(data[:4], "little"), _MOST_PROPERTIES)):
            kind, number = struct.unpack_from("<HH", data, at)
            at += 4
            if number >= _NAMED:
                at = _after_name(data, at)
            value, at = _value(data, at, kind)
            found.setdefault(number, Property(kind & ~_MANY, value))
    except struct.error:
        pass  # it breaks off here
    return found


def _after_name(data: bytes, at: int) -> int:
    (by_text,) = struct.unpack_from("<I", data, at + 16)
    if not by_text:
        return at + 24
    (size,) = struct.unpack_from("<I", data, at + 20)
    return int(at + 24 + _padded(size))


def _value(data: bytes, at: int, kind: int) -> tuple[bytes, int]:
    """Return the first value at this place, and the place behind all of them."""
    plain, many = kind & ~_MANY, bool(kind & _MANY)
    if plain in _VARIABLE:
        (count,) = struct.unpack_from("<I", data, at)
        at += 4
        first = b""
        for ordinal in range(count):  # ends with the data: each value has a length of four bytes
            (size,) = struct.unpack_from("<I", data, at)
            if not ordinal:
                first = data[at + 4 : at + 4 + size]
            at += 4 + _padded(size)
        return first, at
    if plain not in _FIXED:
        raise struct.error(f"no such kind of property: {kind}")
    count = 1
    if many:
        (count,) = struct.unpack_from("<I", data, at)
        at += 4
    return data[at : at + _FIXED[plain]], at + count * _FIXED[plain]


def _padded(size: int) -> int:
    return size + -size % 4
