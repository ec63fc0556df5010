"""How a person names a record on the command line."""

import re

from services.domain.directory import RecordRef
from services.domain.errors import Refused

LONGEST = 200
_TYPE = re.compile(r"[a-z][a-z0-9_-]{0,99}")


def record_named(option: str, text: str) -> RecordRef:
    """Return the record that is named as TYPE/ID; ``Refused`` when it is no such name."""
    kind, slash, name = text.partition("/")
    if not (slash and _TYPE.fullmatch(kind) and name and len(name) <= LONGEST and name.isprintable()):
        raise Refused(
            f"{option} {text[:LONGEST]!r} names no record. Give it as TYPE/ID, such as contact/kim or user/anna."
        )
    return RecordRef(kind, name)
