"""Whether records of one schema version can be read with another, as the ``avro`` package judges it."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType

from services.contracts import schemas, topics
from services.contracts.schemas import Schema
from services.contracts.topics import Compatibility, Topic


def unreadable(reader: Schema, writer: Schema) -> list[str]:
    """Return why ``reader`` cannot read what ``writer`` wrote; empty when it can."""
    result = ReaderWriterCompatibilityChecker().get_compatibility(reader.authority, writer.authority)
    if result.compatibility is SchemaCompatibilityType.compatible:
        return []
    places = ", ".join(sorted(result.locations))
    return [
        f"{reader.name} v{reader.version} cannot read v{writer.version}: {message} (at {places})"
        for message in sorted(result.messages)
    ]


def _primitives(node: Any, place: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    """Yield every primitive of a schema with its logical type, and its place."""
    if isinstance(node, str):
        yield place, node
    elif isinstance(node, list):
        for one in node:
            yield from _primitives(one, place)
    elif "fields" in node:
        for field in node["fields"]:
            yield from _primitives(field["type"], f"{place}/{field['name']}")
    elif node["type"] in {"array", "map"}:
        yield from _primitives(node.get("items", node.get("values")), f"{place}/*")
    else:
        yield place, node.get("logicalType") or node["type"]


def _meanings(schema: Schema) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for place, meaning in _primitives(schema.authority.to_json()):
        found.setdefault(place, set()).add(meaning)
    return found


def reinterpreted(newer: Schema, older: Schema) -> list[str]:
    """Return the numbers that one version takes for a time and the other not: ``avro`` does not look at that."""
    old, new = _meanings(older), _meanings(newer)
    return [
        f"{newer.name} v{newer.version} changes the logical type of {place}: {sorted(old[place])}, {sorted(new[place])}"
        for place in sorted(old.keys() & new.keys())
        if any(one not in schemas.PRIMITIVES for one in old[place] ^ new[place])
    ]


def judge(versions: Iterable[Schema], compatibility: Compatibility) -> list[str]:
    """
    Return what is wrong among the versions of one schema.

    Every pair is judged, not only neighbours: a topic keeps records of all versions that its retention spans.
    ``backward``: a newer version reads an older one's records; ``forward``: the other way round; ``full``: both.
    """
    wrong = []
    for older, newer in combinations(sorted(versions, key=lambda one: one.version), 2):
        if older.fingerprint == newer.fingerprint:
            # Doc texts, defaults and logical types are outside the fingerprint: a reader could not tell them apart.
            wrong.append(f"{newer.name} v{newer.version} has the fingerprint of v{older.version}")
        wrong += reinterpreted(newer, older)
        if compatibility in {"full", "backward"}:
            wrong += unreadable(newer, older)
        if compatibility in {"full", "forward"}:
            wrong += unreadable(older, newer)
    return wrong


def judge_topics(versions: Iterable[Schema], catalogue: Mapping[str, Topic]) -> list[str]:
    """Return everything wrong between schemas and topics; empty when the two fit."""
    by_name: dict[str, list[Schema]] = {}
    for one in versions:
        by_name.setdefault(one.name, []).append(one)
    wrong = []
    named = set()
    for topic in catalogue.values():
        for carried in topic.schemas:
            named.add(carried.name)
            own = by_name.get(carried.name, [])
            if [one.version for one in own] != list(range(1, carried.version + 1)):
                has = ", ".join(f"v{one.version}" for one in own) or "none"
                wrong.append(f"{topic.name} names {carried.name} v{carried.version}, but committed is: {has}")
            wrong += judge(own, topic.compatibility)
    wrong += [f"no topic carries {name}" for name in sorted(by_name.keys() - named)]
    return list(dict.fromkeys(wrong))


def check() -> list[str]:
    """Return everything wrong with the committed schemas and topics; empty when all is well."""
    return judge_topics(schemas.committed(), topics.catalogue())
