import io
from contextlib import suppress
from pathlib import Path

import avro.io
import avro.schema
import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.contracts import codec, schemas
from services.contracts.codec import Codec, decode, encode
from services.domain.errors import UndecodableRecord
from tests.unit.contracts import examples, values

COMMITTED = schemas.committed()
GOOD = examples.good()
NEWEST = tuple(schemas.newest(COMMITTED).values())
each_schema = pytest.mark.parametrize("schema", COMMITTED, ids=lambda one: f"{one.name}-v{one.version}")


def written_by_avro(schema, value) -> bytes:
    out = io.BytesIO()
    avro.io.DatumWriter(schema.authority).write(value, avro.io.BinaryEncoder(out))
    return out.getvalue()


def read_by_avro(schema, body: bytes):
    return avro.io.DatumReader(schema.authority).read(avro.io.BinaryDecoder(io.BytesIO(body)))


@pytest.mark.parametrize("schema", NEWEST, ids=lambda one: f"{one.name}-v{one.version}")
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_each_package_reads_what_the_other_wrote(schema, data):
    value = data.draw(values.of(schema.parsed))

    own = Codec.of((schema,))

    ours = own.encode(schema.record, value)

    assert value == read_by_avro(schema, ours[codec.HEADER :])
    assert (schema.record, value) == own.decode(ours[: codec.HEADER] + written_by_avro(schema, value))
    assert written_by_avro(schema, value) == ours[codec.HEADER :]


@pytest.mark.parametrize(
    "schema", [one for one in COMMITTED if one not in NEWEST], ids=lambda one: f"{one.name}-v{one.version}"
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_record_of_an_older_version_is_read_as_the_newest_has_it(schema, data):
    value = data.draw(values.of(schema.parsed))
    newest = next(one for one in NEWEST if one.record == schema.record)

    old = codec.MARKER + schema.fingerprint + written_by_avro(schema, value)

    assert (schema.record, completed(value, newest.parsed)) == decode(old)


def completed(value, type_):
    """Add the defaults of a newer version to a value of an older one, in records inside it too."""
    if isinstance(type_, list):
        records = [one for one in type_ if isinstance(one, dict)]
        return completed(value, records[0]) if isinstance(value, dict) and records else value
    if isinstance(value, list):
        return [completed(one, type_["items"]) for one in value]
    if not isinstance(value, dict) or "fields" not in type_:
        return value
    added = {f["name"]: f["default"] for f in type_["fields"] if "default" in f and f["name"] not in value}
    return {
        **added,
        **{f["name"]: completed(value[f["name"]], f["type"]) for f in type_["fields"] if f["name"] in value},
    }


@each_schema
def test_both_packages_compute_the_same_fingerprint(schema):
    theirs = fastavro.schema.fingerprint(
        fastavro.schema.to_parsing_canonical_form(schema.authority.to_json()), "CRC-64-AVRO"
    )

    assert theirs == schema.fingerprint.hex()


def test_the_fingerprint_is_that_of_the_specification():
    """The Avro project's test vector for ``"int"`` is 7275d51a3f395c8f, and little-endian on the wire."""
    assert bytes.fromhex("7275d51a3f395c8f")[::-1] == avro.schema.parse('"int"').fingerprint()
    thing = values.record(1, {"name": "n", "type": {"type": "long", "logicalType": "timestamp-millis"}})
    plain = values.record(1, {"name": "n", "type": "long", "doc": "a number"})

    assert thing.fingerprint == plain.fingerprint


@pytest.mark.parametrize("good", GOOD, ids=lambda one: one.name)
def test_every_example_survives_the_way_there_and_back(good):
    assert (good.record, good.value) == decode(encode(good.record, good.value))


@pytest.mark.parametrize("bad", examples.bad(), ids=lambda one: one.name)
def test_every_rejected_example_is_refused_with_its_code(bad):
    with pytest.raises(UndecodableRecord) as refused:
        decode(bad.data)

    assert bad.code == refused.value.code


def test_there_is_a_rejected_example_for_every_promise_of_decode():
    names = {bad.name.partition("/")[2] for bad in examples.bad()}

    assert {"no-marker", "unknown-schema", "ends-early", "bytes-left-over", "not-utf-8"} <= names


@settings(max_examples=500)
@given(schema=st.sampled_from(COMMITTED), body=st.binary(max_size=300))
def test_random_bytes_are_undecodable_or_a_record_and_nothing_else_is_raised(schema, body):
    try:
        name, _ = decode(codec.MARKER + schema.fingerprint + body)
    except UndecodableRecord:
        return
    assert name == schema.record


@settings(max_examples=300)
@given(good=st.sampled_from(GOOD), place=st.integers(0, 10_000), change=st.integers(1, 255))
def test_a_damaged_record_raises_nothing_but_undecodable(good, place, change):
    data = bytearray(encode(good.record, good.value))
    data[place % len(data)] ^= change
    with suppress(UndecodableRecord):
        decode(bytes(data))


@pytest.mark.parametrize("length", range(12))
def test_a_record_that_ends_early_is_undecodable(length):
    with pytest.raises(UndecodableRecord):
        decode(encode("MessageCorrelated", GOOD_CORRELATED)[:length])


GOOD_CORRELATED = next(good.value for good in GOOD if good.record == "MessageCorrelated")


def test_the_error_says_nothing_of_the_content():
    data = encode("MessageCorrelated", GOOD_CORRELATED)
    with pytest.raises(UndecodableRecord) as refused:
        decode(data[:-5])

    assert str(refused.value).startswith("the body does not fit MessageCorrelated")
    assert "example.net" not in str(refused.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.pop("cause"),
        lambda value: value.update(extra=1),
        lambda value: value.update(version="8"),
        lambda value: value.update(version=2**63),
        lambda value: value.update(change=None),
        lambda value: value.update(change={"loser": 1}),
        lambda value: value.update(cause=None),
        lambda value: value.update(cause="\ud800"),
    ],
    ids=["missing", "unknown-field", "text-for-number", "too-big", "no-branch", "half-branch", "null", "surrogate"],
)
def test_a_value_that_does_not_fit_is_a_value_error(change):
    value = {"change": {"loser": 1, "winner": 2}, "version": 8, "cause": "c"}
    encode("ThreadChanged", value)
    change(value)

    with pytest.raises(ValueError):  # noqa: PT011 - the text is fastavro's
        encode("ThreadChanged", value)


def test_the_branch_of_a_union_of_records_is_told_by_its_fields():
    moved = {"change": {"messages": ["m"], "thread": 3}, "version": 9, "cause": "c"}

    assert ("ThreadChanged", moved) == decode(encode("ThreadChanged", moved))


def test_an_old_record_is_read_as_the_newest_version():
    old = values.record(1, {"name": "a", "type": "string"})
    new = values.record(2, {"name": "a", "type": "string"}, {"name": "b", "type": "long", "default": 7})
    before, after = Codec.of((old,)), Codec.of((old, new))

    assert ("Thing", {"a": "x", "b": 7}) == after.decode(before.encode("Thing", {"a": "x"}))
    assert ("Thing", {"a": "x", "b": 8}) == after.decode(after.encode("Thing", {"a": "x", "b": 8}))
    with pytest.raises(UndecodableRecord, match="no schema with fingerprint"):
        before.decode(after.encode("Thing", {"a": "x", "b": 8}))


def test_the_schemas_are_found_in_the_wheel_before_the_checkout(tmp_path: Path, monkeypatch):
    from services.contracts import schema_files  # noqa: PLC0415

    module = tmp_path / "services" / "contracts" / "schema_files.py"
    monkeypatch.setattr(schema_files, "__file__", str(module))
    schema_files.folder.cache_clear()
    try:
        assert tmp_path / "schemas" == schema_files.folder()
        schema_files.folder.cache_clear()
        (tmp_path / "services" / "_schemas").mkdir(parents=True)
        assert tmp_path / "services" / "_schemas" == schema_files.folder()
    finally:
        monkeypatch.undo()
        schema_files.folder.cache_clear()
