"""What ``unlink`` and ``relink`` refuse before anything is sent."""

from uuid import uuid4

import pytest

from tests.component.cli.conftest import Desk, Insert

pytestmark = pytest.mark.component


def came(desk: Desk, insert: Insert, name: str, **edges: str) -> None:
    """A mail of which the correlator knows what ties it: each kind, and the id or text it names."""
    key = uuid4()
    insert("correlator.node", id=desk.id_key(name), thread=1, seen=True, mid=name)
    insert("correlator.message", message_key=key, id_key=desk.id_key(name), thread=1, version=1, truncated=False)
    for kind, target in edges.items():
        insert("correlator.edge", child=key, target=desk.id_key(target), kind=kind, position=0, value=target)


@pytest.mark.parametrize("arguments", [("unlink",), ("relink", "onto@x.example")], ids=["unlink", "relink"])
@pytest.mark.parametrize("pair", [("sent@x.example", "relayed@x.example"), ("relayed@x.example", "sent@x.example")])
@pytest.mark.parametrize(
    "edges",
    [
        [{}, {"alias": "sent@x.example"}],
        [{"copy": "the text"}, {"copy": "the text", "references": "sent@x.example"}],
        [{"alias": "first@x.example"}, {"alias": "first@x.example"}],
    ],
    ids=["alias", "copy", "both once another"],
)
def test_two_ids_of_one_message_are_never_parted(desk: Desk, insert: Insert, arguments, pair, edges):
    for name, tied in zip(("sent@x.example", "relayed@x.example"), edges, strict=True):
        came(desk, insert, name, **tied)
    came(desk, insert, "onto@x.example")

    result = desk.run(arguments[0], *pair, *arguments[1:], "--reason", "r")

    assert (2, True) == (result.exit_code, "are ids of one message" in result.stderr), result


def test_an_id_that_a_message_had_before_is_no_other_message(desk: Desk, insert: Insert):
    """Though no mail came in under it."""
    came(desk, insert, "relayed@x.example", alias="sent@x.example")

    result = desk.run("unlink", "relayed@x.example", "sent@x.example", "--reason", "r")

    assert (2, True) == (result.exit_code, "are ids of one message" in result.stderr), result
