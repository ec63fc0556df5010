"""The new text of a reply is kept beside the whole body."""

import pytest

from tests.component.resolver.conftest import Resolver, mail

pytestmark = pytest.mark.component

QUOTE = b"\r\n\r\nOn Tue, 24 Nov 2026 at 10:00, Kim <kim@customer.example> wrote:\r\n> Hello\r\n"


def test_the_new_text_of_a_reply_is_stored_beside_its_body(resolver: Resolver):
    letter, reply = mail("letter", to="anna@own.example"), mail("reply", answers=["letter"], to="anna@own.example")
    for raw in (letter, reply + QUOTE):
        resolver.resolve(resolver.record(raw, tracked_by="keyword"))

    rows = resolver.rows("SELECT subject, reply_text, body_text LIKE '%%> Hello%%' FROM resolver.activity ORDER BY 1")
    assert [("Mail letter", None, False), ("Mail reply", "Hello from reply", True)] == rows
