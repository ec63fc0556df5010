"""A directory file is taken over whole or not at all, and every broken line is named."""

import json

import pytest

from services.cli.directory_file import read
from services.domain.errors import Refused

GOOD = {
    "type": "contact",
    "id": "c1",
    "name": "Zoë",
    "addresses": ["zoe@example.org"],
    "owner": {"type": "user", "id": "u1"},
    "active": True,
}
EMPTY: dict[str, object] = {"name": "", "addresses": [], "owner": None, "active": False, "deleted": True}
MERGED = {"type": "contact", "id": "c1", "merged_into": "c2"}


def _lines(*values):
    return [v if isinstance(v, bytes) else json.dumps(v).encode() for v in values]


def test_a_record_and_a_removal_are_read_in_order():
    records = read("f", _lines(GOOD, b"", {"type": "user", "id": "u1", "deleted": True}, MERGED))

    assert [
        {**GOOD, "deleted": False, "merged_into": None},
        {**EMPTY, "type": "user", "id": "u1", "merged_into": None},
        {**EMPTY, "type": "contact", "id": "c1", "merged_into": "c2"},
    ] == records


def test_owner_and_active_may_be_left_out():
    (record,) = read("f", _lines({"type": "queue", "id": "q", "name": "Q", "addresses": []}))

    assert (None, True) == (record["owner"], record["active"])


def test_a_byte_order_mark_is_no_part_of_the_first_line():
    assert 1 == len(read("f", [b"\xef\xbb\xbf" + json.dumps(GOOD).encode()]))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param(b"{", "not JSON", id="cut"),
        pytest.param(b"[]", "must be an object", id="list"),
        pytest.param(b"\xff", "not UTF-8", id="bytes"),
        pytest.param(b"[" * 100_000, "nested too deep", id="deep"),
        pytest.param({**GOOD, "adresses": []}, "adresses is no field", id="typo"),
        pytest.param({**GOOD, "type": "Contact"}, 'type "Contact" must be lower-case', id="type"),
        pytest.param({**GOOD, "type": "contact\n"}, "must be lower-case", id="type-newline"),
        pytest.param({**GOOD, "id": ""}, "id", id="empty-id"),
        pytest.param({**GOOD, "id": "a\0b"}, "control characters", id="nul"),
        pytest.param({**GOOD, "active": "yes"}, "active", id="not-boolean"),
        pytest.param({**GOOD, "addresses": ["nobody"]}, "addresses.0", id="no-address"),
        pytest.param({**GOOD, "owner": {"type": "user"}}, "owner.id is missing", id="owner"),
        pytest.param({"type": "contact", "id": "c"}, "addresses is missing", id="missing"),
        pytest.param({"type": "contact", "id": "c", "deleted": False}, "deleted", id="not-deleted"),
        pytest.param({**GOOD, "deleted": True}, "is no field", id="both-forms"),
        pytest.param({**MERGED, "merged_into": "c1"}, "into itself", id="into-itself"),
        pytest.param({**MERGED, "type": "user"}, "cannot be merged", id="merged-user"),
        pytest.param({**MERGED, "name": "Zoe"}, "name is no field", id="merged-with-name"),
        pytest.param({**GOOD, "id": "\ud800"}, "id", id="lone-surrogate"),
    ],
)
def test_a_broken_line_is_named_with_its_number(line, said):
    with pytest.raises(Refused) as refused:
        read("people.jsonl", _lines(GOOD, line))

    text = str(refused.value)
    assert "people.jsonl: nothing was published" in text
    assert "line 2:" in text
    assert said in text


def test_every_broken_line_is_listed():
    with pytest.raises(Refused) as refused:
        read("f", _lines(b"{", GOOD, b"}"))

    assert ["line 1", "line 3"] == [line.strip()[:6] for line in str(refused.value).splitlines()[1:]]


def test_a_file_of_nonsense_is_not_listed_without_end():
    with pytest.raises(Refused, match="and 950 more"):
        read("f", _lines(*[b"?"] * 1000))
