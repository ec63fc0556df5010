import json

import pytest

from services.contracts import compatibility, schemas
from tests.unit.contracts import values

NAME = {"name": "name", "type": "string"}
ADDED = {"name": "added", "type": "string", "default": ""}
DEMANDED = {"name": "demanded", "type": "string"}


def test_the_committed_schemas_and_topics_fit():
    assert [] == compatibility.check()


def test_a_field_with_a_default_may_be_added():
    assert [] == compatibility.judge([values.record(1, NAME), values.record(2, NAME, ADDED)], "full")


@pytest.mark.parametrize(
    ("fields", "refused_by"),
    [
        ((NAME, DEMANDED), {"full", "backward"}),
        ((ADDED,), {"full", "forward"}),
        (({"name": "name", "type": "long"},), {"full", "backward", "forward"}),
        (({"name": "name", "type": ["null", "string"]},), {"full", "forward"}),
    ],
    ids=["demanded-field", "removed-field", "other-type", "may-be-null-now"],
)
def test_an_incompatible_pair_is_refused(fields, refused_by):
    pair = [values.record(1, NAME), values.record(2, *fields)]

    found = {mode for mode in ("full", "backward", "forward", "none") if compatibility.judge(pair, mode)}

    assert refused_by == found


def test_versions_that_are_no_neighbours_are_judged_too():
    """Each step is fine by itself, but records of the first version still lie in the topic."""
    first = values.record(1, {"name": "n", "type": "int"}, NAME)
    second = values.record(2, NAME, ADDED)
    third = values.record(3, NAME, ADDED, {"name": "n", "type": "string", "default": ""})

    assert [] == compatibility.judge([first, second], "backward")
    assert [] == compatibility.judge([second, third], "backward")
    assert compatibility.judge([first, second, third], "backward")


def time_field(logical: str | None, name: str = "at") -> dict[str, object]:
    return {"name": name, "type": {"type": "long", "logicalType": logical} if logical else "long"}


@pytest.mark.parametrize("change", ["timestamp-micros", None])
def test_another_logical_type_is_refused(change):
    older, newer = values.record(1, time_field("timestamp-millis")), values.record(2, time_field(change), ADDED)

    assert ["thing v2 changes the logical type of /at"] == [
        one.partition(":")[0] for one in compatibility.judge([older, newer], "full")
    ]


def test_versions_that_readers_could_not_tell_apart_are_refused():
    older, newer = values.record(1, NAME), values.record(2, {**NAME, "doc": "who"})

    assert ["thing v2 has the fingerprint of v1"] == compatibility.judge([older, newer], "full")


def test_a_schema_that_no_topic_carries_and_a_version_that_is_not_there_are_found():
    from services.contracts import catalogue  # noqa: PLC0415

    stray = values.record(1, NAME)
    without = [one for one in schemas.committed() if one.name != "mail_decided"]

    found = compatibility.judge_topics([*without, stray], catalogue())

    assert ["mail-decided names mail_decided v1, but committed is: none", "no topic carries thing"] == found


def test_a_file_with_another_name_is_an_error(tmp_path):
    (tmp_path / "thing.avsc").write_text(json.dumps({"type": "record", "name": "Thing", "fields": []}))

    with pytest.raises(ValueError, match=r"<name>\.v<version>\.avsc"):
        schemas.load(tmp_path)
