"""
The Avro schemas as committed, one file per version: ``avro/<name>.v<N>.avsc``.

``avro`` is the authority (it parses, fingerprints and judges compatibility), ``fastavro`` the codec.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import avro.schema
import fastavro

from services.contracts import schema_files

_FILE = re.compile(r"(?P<name>[a-z][a-z0-9_]*)\.v(?P<version>[1-9][0-9]*)\.avsc")
PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})


@dataclass(frozen=True, slots=True)
class Schema:
    """
    One committed version of a record.

    ``name`` is that of its file, ``record`` the Avro name that ``encode`` and ``decode`` use. ``fingerprint``
    is the CRC-64-AVRO of the canonical form, little-endian, as single-object encoding carries it. ``parsed``
    is for fastavro, ``authority`` is the ``avro`` package's schema.
    """

    name: str
    version: int
    record: str
    fingerprint: bytes
    parsed: Any = field(repr=False, compare=False)
    authority: Any = field(repr=False, compare=False)


def _plain(node: Any) -> Any:  # noqa: ANN401 - JSON
    """
    Return the schema with every annotated primitive written as the bare primitive.

    The specification's canonical form does so ("PRIMITIVES", "STRIP"); ``avro`` 1.12 leaves
    ``{"type": "long"}`` behind where a logical type stood, and its fingerprint would differ from that of all
    other implementations.
    """
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    kind = node.get("type")
    if isinstance(kind, str) and kind in PRIMITIVES and "name" not in node:
        return kind
    return {
        key: _plain(value) if key in {"type", "fields", "items", "values"} else value for key, value in node.items()
    }


def parse(name: str, version: int, text: str) -> Schema:
    """Read one schema; raises what ``avro`` or ``fastavro`` raise when it is none."""
    raw = json.loads(text)
    authority = avro.schema.parse(text)
    return Schema(
        name=name,
        version=version,
        record=str(raw["name"]),
        fingerprint=avro.schema.parse(json.dumps(_plain(raw))).fingerprint(),
        parsed=fastavro.parse_schema(raw, named_schemas={}),
        authority=authority,
    )


def load(directory: Path) -> tuple[Schema, ...]:
    """Read every schema of a folder, by name and version; a file that is named otherwise is an error."""
    found = []
    for path in sorted(directory.iterdir()):
        match = _FILE.fullmatch(path.name)
        if match is None:
            raise ValueError(f"{path.name}: a schema file is named <name>.v<version>.avsc")
        found.append(parse(match["name"], int(match["version"]), path.read_text(encoding="utf-8")))
    return tuple(sorted(found, key=lambda one: (one.name, one.version)))


@cache
def committed() -> tuple[Schema, ...]:
    """Return every schema version of this project, by name and version."""
    return load(schema_files.folder() / "avro")


def newest(schemas: Iterable[Schema]) -> Mapping[str, Schema]:
    """Return the highest version of each record, by its Avro name."""
    return {one.record: one for one in sorted(schemas, key=lambda one: one.version)}
