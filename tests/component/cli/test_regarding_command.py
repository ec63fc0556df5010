"""What ``mailweave regarding`` refuses before anything is sent, and how what a mail is filed under is shown."""

import pytest

from tests.component.cli import rows
from tests.component.cli.conftest import Desk, Insert
from tests.component.cli.test_explain_not import decided  # noqa: F401 - a fixture
from tests.component.resolver.conftest import Resolver

pytestmark = pytest.mark.component


@pytest.mark.parametrize(
    ("mail", "record", "said"),
    [
        ("never@x.example", "case/1", "no mail with the id <never@x.example> is filed"),
        ("two@x.example", "case/1", "2 mails have the id <two@x.example>: name the activity"),
        ("00000000-0000-5000-8000-000000000001", "case/1", "no activity has the id"),
        ("<>", "case/1", "is no Message-ID"),
        ("one@x.example", "case", "names no record"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(desk: Desk, insert: Insert, mail, record, said):
    for uid, name in enumerate(("one@x.example", "two@x.example", "two@x.example")):
        rows.whole_mail(desk, insert, name, uid=uid + 1)

    for verb in ("add", "remove"):
        result = desk.run("regarding", verb, mail, record, "--reason", "r")
        assert (2, True) == (result.exit_code, said in result.stderr), result


def test_a_reason_is_needed(desk: Desk, insert: Insert):
    rows.whole_mail(desk, insert, "one@x.example")

    result = desk.run("regarding", "add", "one@x.example", "case/1", "--reason", " ")

    assert (2, True) == (result.exit_code, "say why" in result.stderr)


def test_explain_tells_what_a_mail_was_filed_under_since_when_by_whom_and_why(desk: Desk, decided: Resolver):  # noqa: F811
    decided.jobs()
    decided.regarding("case/9", "reply")
    decided.regarding("case/1", "reply", take=True)

    lines = [line for line in desk.run("explain", "reply@x.example").stdout.splitlines() if "iled under" in line]
    assert "  Was filed under case 1 from " in lines[0]
    assert ": <root@x.example>, which it answers, is filed there; until " in lines[0]
    assert lines[0].endswith(": mira has taken it away (she knows).")
    assert lines[1].startswith("  Filed under case 9 since ")
    assert lines[1].endswith(": mira has filed it there (she knows).")
    (told,) = desk.json("explain", "reply@x.example")
    assert [("case", "1", "correlated", "person"), ("case", "9", "manual", "")] == [
        (one["type"], one["id"], one["source"], one["ended"]) for one in told["regardings"]
    ]
    assert "regarding case 9 (mira: she knows, since " in desk.run("activities").stdout


def test_a_record_is_told_that_a_person_has_taken_the_mail_away(desk: Desk, decided: Resolver):  # noqa: F811
    decided.jobs()
    decided.regarding("case/1", "reply", take=True)

    (found,) = desk.json("explain", "reply@x.example", "--not", "case/1")
    answer = next(one for one in found["answers"] if one["place"] == "regarding")
    assert (False, True) == (answer["holds"], "only a person files it there again" in answer["sentences"][0])
