"""Directory records that are all checked before the first is sent: they wait in a temporary file, so a million fit."""

import struct
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from services.contracts.codec import encode
from services.storage.outbox import OutboxRow

TOPIC = "directory"
AT_ONCE = 10_000
_LENGTHS = struct.Struct(">II")


class Spool:
    """The records of one file, encoded; the temporary file goes with the object."""

    def __init__(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Take all records; whatever ends the iteration passes, and then there is no spool."""
        self.count = 0
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this
        for record in records:
            key, value = f"{record['type']}/{record['id']}".encode(), encode("DirectoryRecord", record)
            self._file.write(_LENGTHS.pack(len(key), len(value)) + key + value)
            self.count += 1

    def pieces(self) -> Iterator[list[OutboxRow]]:
        """Yield the records for Kafka in their order, some thousand at a time."""
        self._file.seek(0)
        rows = self._rows()
        while piece := list(islice(rows, AT_ONCE)):
            yield piece

    def _rows(self) -> Iterator[OutboxRow]:
        while head := self._file.read(_LENGTHS.size):
            key, value = map(self._file.read, _LENGTHS.unpack(head))
            yield OutboxRow(TOPIC, key, value, {})
