"""Log lines are JSON and carry no address."""

import io
import json
import logging

import pytest

from services.runtime import logs


@pytest.fixture
def lines():
    """Configure the logs for one test and give back what pytest had set."""
    root, captured = logging.getLogger(), io.StringIO()
    before = root.handlers[:], root.level
    logs.configure("fetcher", "host-1", settings_version=lambda: 7, stream=captured)
    yield lambda: [json.loads(line) for line in captured.getvalue().splitlines()]
    root.handlers[:], level = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def test_a_line_says_who_and_under_which_settings(lines):
    logging.getLogger("services.fetcher").info("read %s mails", 3, extra={"mailbox": "abc"})

    (line,) = lines()
    assert line["message"] == "read 3 mails"
    assert (line["service"], line["instance"], line["settings_version"]) == ("fetcher", "host-1", 7)
    assert (line["level"], line["logger"], line["mailbox"]) == ("INFO", "services.fetcher", "abc")
    assert line["time"]


@pytest.mark.parametrize(
    "text",
    [
        "anna@example.org",
        "login of anna.b+tag@example.org failed",
        "From: Anna <anna@example.org>",
        "two\nlines anna@example.org\nend",
        "änna@exämple.org",
        "id <20260101.xyz@mail.example.org>",
        "postgresql://u:p4ss@db.example.org:5432/m",
        "anna@localhost",
        '"anna@example.org"',
    ],
)
def test_no_address_leaves(lines, text):
    logging.getLogger("any.library").warning(text)

    (line,) = lines()
    for secret in ("anna", "änna", "p4ss", "20260101.xyz", "example.org", "exämple"):
        assert secret not in line["message"].replace("[address]", "").replace("Anna <", "").lower() or (
            secret == "anna" and "From: Anna" in text
        )
    assert "[address]" in line["message"]


def test_no_address_leaves_in_a_traceback(lines):
    try:
        raise ValueError("no such user: anna@example.org")
    except ValueError:
        logging.getLogger("x").exception("failed")

    (line,) = lines()
    assert "ValueError: no such user: [address]" in line["exception"]


def test_libraries_speak_only_when_something_is_wrong(lines):
    for name in ("faust.app", "mode.services", "aiokafka.consumer", "kafka.conn"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("trouble")

    assert [line["message"] for line in lines()] == ["trouble"] * 4
