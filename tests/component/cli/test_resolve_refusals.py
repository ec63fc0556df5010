"""What ``resolve`` and ``unresolve`` refuse before anything is sent."""

from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.component.cli.conftest import Desk, Insert
from tests.component.cli.rows import whole_mail

pytestmark = pytest.mark.component

LIN = "lin@x.example"


@pytest.fixture
def filed(desk: Desk, insert: Insert) -> str:
    """An activity in which somebody is behind Kim's address, and nobody behind Lin's."""
    name = whole_mail(desk, insert, "mail@x.example")
    for at, (address, records) in enumerate({LIN: [], "kim@x.example": [{"type": "contact", "id": "kim"}]}.items()):
        insert(
            "resolver.party", activity_id=name, role="cc", position=at, address=address, name="", records=Jsonb(records)
        )
    insert(
        "resolver.directory_record", type="contact", id="kim", name="Kim", active=True, partition=0, offset=1
    )  # fmt: skip
    return str(name)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("resolve", "no-id", LIN, "contact/kim"), "no id of an activity"),
        (("resolve", str(uuid4()), LIN, "contact/kim"), "there is no activity"),
        (("resolve", "FILED", "else@x.example", "contact/kim"), "nobody in this activity has the address"),
        (("resolve", "FILED", "half-\udcff@x.example", "contact/kim"), "no text"),
        (("resolve", "FILED", "kim@x.example", "contact/kim"), "somebody is behind"),
        (("resolve", "FILED", LIN, "kim"), "names no record"),
        (("resolve", "FILED", LIN, "contact/nobody"), "the directory has no contact/nobody"),
        (("resolve", "FILED", " ", "contact/kim"), "ADDRESS is empty"),
        (("unresolve", "FILED", LIN), "no person has said"),
        (("unresolve", str(uuid4()), LIN), "there is no activity"),
    ],
    ids=lambda given: "" if isinstance(given, tuple) else given,
)
def test_what_makes_no_sense_is_refused_at_once(desk: Desk, filed: str, arguments: tuple[str, ...], why: str):
    result = desk.run(*(filed if one == "FILED" else one for one in arguments), "--reason", "r")

    assert (2, True) == (result.exit_code, why in result.stderr), result.stderr


@pytest.mark.parametrize("option", ["--reason", "--author"])
def test_who_says_it_and_why_is_never_left_out(desk: Desk, filed: str, option: str):
    given = {"--reason": "r", "--author": "mira", option: " "}
    result = desk.run("resolve", filed, LIN, "contact/kim", *(text for pair in given.items() for text in pair))

    assert (2, True) == (result.exit_code, option in result.stderr), result.stderr
