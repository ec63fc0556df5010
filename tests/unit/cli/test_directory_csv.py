"""A table of directory records is read as the same lines of JSON are, and every broken row is named."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.directory_csv import COLUMNS, csv_rows
from services.cli.directory_file import read, whole
from services.domain.errors import Refused

HEAD = b"type,id,name,addresses,owner,active,deleted\n"
ZOE = {
    "type": "contact",
    "id": "c1",
    "name": "Zoë, the first",
    "addresses": ["zoe@example.org", "z@example.org"],
    "owner": {"type": "user", "id": "a/b"},
    "active": False,
    "deleted": False,
    "merged_into": None,
}
LINE = {field: value for field, value in ZOE.items() if field not in ("deleted", "merged_into")}


def rows(data: bytes) -> list[dict[str, object]]:
    return list(whole("f.csv", csv_rows("f.csv", io.BytesIO(data))))


def test_a_row_is_what_the_line_of_json_is():
    table = HEAD + 'contact,c1,"Zoë, the first",zoe@example.org; z@example.org,user/a/b,no,\n'.encode()

    assert [ZOE] == rows(table) == read("f", [json.dumps(LINE).encode()])


def test_columns_stand_in_any_order_and_some_may_be_left_out():
    assert [{**ZOE, "name": "Z", "owner": None, "active": True}] == rows(
        b"\xef\xbb\xbfname;addresses;id;type\r\nZ;zoe@example.org z@example.org;c1;contact\r\n\r\n"
    )


def test_a_row_removes_a_record_whatever_else_it_says():
    (gone,) = rows(HEAD + b"contact,c1,Zoe,zoe@example.org,,,true\n")

    assert (True, [], "") == (gone["deleted"], gone["addresses"], gone["name"])


def test_a_row_says_what_a_record_has_become():
    (gone,) = rows(b"type,id,merged_into\ncontact,c1,c2\n")

    assert (True, "c2") == (gone["deleted"], gone["merged_into"])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"", "type is missing", id="empty"),
        pytest.param(b"type,name\n", "id is missing", id="no-id"),
        pytest.param(b"type,id,mail\n", "'mail' is none", id="unknown"),
        pytest.param(b"type,id,id\n", "twice", id="twice"),
        pytest.param(HEAD + b"contact,c1\n", "line 2: has 2 cells, and there are 7 columns", id="short"),
        pytest.param(HEAD + b"contact,c1,,nobody,,,\n", "line 2: addresses.0", id="no-address"),
        pytest.param(HEAD + b"contact,c1,,,anna,,\n", "owner 'anna' must be TYPE/ID", id="owner"),
        pytest.param(HEAD + b"contact,c1,,,,perhaps,\n", "active 'perhaps' must be true or false", id="active"),
        pytest.param(HEAD + b"contact,c1,\xff,,,,\n", "not UTF-8", id="bytes"),
        pytest.param(HEAD + b"contact,,,,,,\n", "id is missing", id="empty-id"),
        pytest.param(HEAD + b'contact,c1,"a\nb",,,,\nContact,c2,,,,,\n', "line 4: type", id="line-number"),
        pytest.param(HEAD + b'contact,c1,"' + b"x" * 200_000 + b'",,,,\n', "not CSV (field larger", id="huge"),
        pytest.param(HEAD + b'contact,c1,"open,,,,\n', "not CSV", id="open-quote"),
    ],
)
def test_a_broken_table_is_refused_whole_and_says_where(data: bytes, said: str):
    with pytest.raises(Refused) as error:
        rows(data)

    assert said in str(error.value)


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=12), min_size=7, max_size=7), max_size=5))
def test_any_cells_are_read_or_refused(cells: list[list[str]]):
    text = io.StringIO()
    csv.writer(text).writerows([COLUMNS, *cells])
    try:
        read_back = rows(text.getvalue().encode())
    except Refused:
        return

    assert len(read_back) <= len(cells)
