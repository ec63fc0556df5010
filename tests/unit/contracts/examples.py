"""The committed examples: good records by topic, and bytes that must be refused."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.contracts import schema_files, schemas

FOLDER = schema_files.folder() / "examples"


@dataclass(frozen=True)
class Good:
    topic: str
    name: str
    record: str
    value: dict[str, Any]


@dataclass(frozen=True)
class Bad:
    topic: str
    name: str
    code: str
    data: bytes


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def _python(value: Any, type_: Any) -> Any:
    """Turn what JSON can hold into what the codec takes: times are ISO texts, bytes are ``{"base64": …}``."""
    if isinstance(type_, list):
        if value is None:
            return None
        branches = [one for one in type_ if one != "null"]
        fitting = [b for b in branches if not isinstance(b, dict) or "fields" not in b or _fits(b, set(value))]
        return _python(value, fitting[0])
    if isinstance(type_, Mapping):
        if type_.get("logicalType") == "timestamp-millis":
            return datetime.fromisoformat(value).astimezone(UTC)
        if type_["type"] == "record":
            types = {field["name"]: field["type"] for field in type_["fields"]}
            # What an older version lacks is read as the newest's default.
            defaults = {field["name"]: field["default"] for field in type_["fields"] if "default" in field}
            return {**defaults, **{name: _python(one, types.get(name)) for name, one in value.items()}}
        if type_["type"] == "array":
            return [_python(one, type_["items"]) for one in value]
        return _python(value, type_["type"])
    return base64.b64decode(value["base64"]) if type_ == "bytes" else value


def _fits(record: Mapping[str, Any], names: set[str]) -> bool:
    needed = {field["name"] for field in record["fields"] if "default" not in field}
    return needed <= names <= {field["name"] for field in record["fields"]}


def good() -> list[Good]:
    newest = schemas.newest(schemas.committed())
    found = []
    for path in sorted(FOLDER.glob("*/v*/*.json")):
        raw = _load(path)
        schema = newest[raw["record"]].parsed
        value = _python(raw["value"], schema)
        found.append(Good(path.parts[-3], f"{path.parts[-3]}/{path.stem}", raw["record"], value))
    return found


def bad() -> list[Bad]:
    found = []
    for path in sorted(FOLDER.glob("*/v*/rejected/*.json")):
        raw = _load(path)
        topic = path.parts[-4]
        found.append(Bad(topic, f"{topic}/{path.stem}", raw["code"], bytes.fromhex(raw["hex"])))
    return found
