"""Random values of a schema, for hypothesis; and made-up schemas."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from services.contracts import schemas
from services.contracts.schemas import Schema

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# Stored to the millisecond.
TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000)
)
PLAIN = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "string": TEXTS,
    "bytes": st.binary(max_size=40),
}


def of(type_: Any, named: dict[str, Any] | None = None) -> st.SearchStrategy[Any]:
    """Values of an Avro type; ``named`` are the named types met so far."""
    named = {} if named is None else named
    if isinstance(type_, list):
        return st.one_of([of(one, named) for one in type_])
    if isinstance(type_, str):
        return PLAIN[type_] if type_ in PLAIN else of(named[type_], named)
    if type_.get("logicalType") == "timestamp-millis":
        return TIMES
    if type_["type"] == "array":
        return st.lists(of(type_["items"], named), max_size=3)
    if type_["type"] == "record":
        named[type_["name"]] = named[type_["name"].rpartition(".")[2]] = type_
        return st.fixed_dictionaries({f["name"]: of(f["type"], named) for f in type_["fields"]})
    return of(type_["type"], named)


def record(version: int, *fields: dict[str, Any], name: str = "Thing") -> Schema:
    """A made-up record schema of these fields."""
    text = json.dumps({"type": "record", "name": name, "namespace": "mailweave", "fields": list(fields)})
    return schemas.parse("thing", version, text)
