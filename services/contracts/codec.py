"""
Records as bytes: Avro single-object encoding (Avro specification, "Single-object encoding").

A record is the marker C3 01, the schema's 64-bit fingerprint (CRC-64-AVRO, little-endian) and the body, so it
names its schema and no registry service is needed.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from fastavro import schemaless_reader, schemaless_writer

from services.contracts import schemas
from services.contracts.schemas import Schema
from services.domain.errors import UndecodableRecord

MARKER = b"\xc3\x01"
HEADER = len(MARKER) + 8


@dataclass(frozen=True, slots=True)
class Codec:
    """Writes the newest of the given schema versions and reads all of them as the newest."""

    _writers: Mapping[str, tuple[bytes, Any]]
    _readers: Mapping[bytes, tuple[str, Any, Any]]

    @classmethod
    def of(cls, versions: tuple[Schema, ...]) -> "Codec":
        """Make the codec of these versions."""
        newest = schemas.newest(versions)
        return cls(
            {name: (MARKER + one.fingerprint, one.parsed) for name, one in newest.items()},
            {
                MARKER + one.fingerprint: (
                    one.record,
                    one.parsed,
                    # No reader schema where none is needed: resolving costs a walk over both schemas.
                    None if one == newest[one.record] else newest[one.record].parsed,
                )
                for one in versions
            },
        )

    def encode(self, name: str, value: Mapping[str, Any]) -> bytes:
        """Return ``value`` as a record of the newest version of ``name``; ``ValueError`` when it does not fit."""
        header, schema = self._writers[name]
        out = io.BytesIO()
        out.write(header)
        try:
            schemaless_writer(out, schema, value, strict=True, disable_tuple_notation=True)
        except (TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"the value does not fit {name}: {error}") from error
        return out.getvalue()

    def decode(self, data: bytes) -> tuple[str, dict[str, Any]]:
        """
        Return the record's name and its value as the newest version has it.

        Raises ``UndecodableRecord`` when there is no marker, the fingerprint is unknown, the body does not fit
        the schema, or bytes are left over.
        """
        known = self._readers.get(data[:HEADER])
        if known is None:
            raise UndecodableRecord(_unknown(data))
        name, writer, reader = known
        body = io.BytesIO(data)
        body.seek(HEADER)
        try:
            value = schemaless_reader(body, writer, reader)
        except Exception as error:  # nothing but the bytes takes part, so whatever fails is their fault
            raise UndecodableRecord(f"the body does not fit {name}: {type(error).__name__}") from error
        if body.tell() != len(data):
            raise UndecodableRecord(f"{len(data) - body.tell()} bytes are left over after {name}")
        return name, value


def _unknown(data: bytes) -> str:
    if not data.startswith(MARKER):
        return "no Avro record in single-object encoding: the marker C3 01 is missing"
    if len(data) < HEADER:
        return "the record ends within its schema fingerprint"
    return f"no schema with fingerprint {data[len(MARKER) : HEADER].hex()} is known"


@cache
def _committed() -> Codec:
    return Codec.of(schemas.committed())


def encode(name: str, value: Mapping[str, Any]) -> bytes:
    """Encode with the committed schemas: :meth:`Codec.encode`."""
    return _committed().encode(name, value)


def decode(data: bytes) -> tuple[str, dict[str, Any]]:
    """Decode with the committed schemas: :meth:`Codec.decode`."""
    return _committed().decode(data)
