"""`mailweave redecide` on a store: what it shows, what it leaves behind, what it refuses."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from services.resolver.jobs import JobWorker
from services.resolver.policy import settings_of
from services.settings import publisher
from services.storage.blobs import BlobFolder
from services.storage.postgres import Database
from tests.component.resolver import conftest as records
from tests.component.resolver.conftest import Resolver, mail

pytestmark = pytest.mark.component


@pytest.fixture
def filed(desk, monkeypatch) -> Resolver:
    """A queue that takes all, with a mail of its own and one that answers it."""
    monkeypatch.setattr(records, "KEY", desk.config.hash_key)
    resolver = Resolver(desk.config.postgres, BlobFolder(Path(desk.environ["MAILWEAVE_BLOBS"])))
    resolver.directory({"type": "queue", "id": "support", "addresses": ["support@own.example"]})
    resolver.resolve(
        resolver.record(mail("root"), uid=1), resolver.record(mail("reply", answers=["root"]), uid=2, hour=1)
    )
    resolver.jobs()
    return resolver


def take_nothing(desk) -> None:
    publisher.publish(
        desk.config.postgres, {"organization": {"filter.queueDefault": 4}}, author="t", reason="", base_version=None
    )


def work(desk) -> None:
    """Carry out what is left to the resolvers."""
    settings = settings_of(publisher.current(desk.config.postgres))
    with closing(Database(desk.config.postgres, "resolver")) as database:
        worker = JobWorker(database, BlobFolder(Path(desk.environ["MAILWEAVE_BLOBS"])), lambda: settings)
        while worker.step():
            pass


def test_without_apply_it_shows_and_changes_nothing(desk, filed):
    take_nothing(desk)
    before = filed.dump()

    found = desk.json("redecide", "--since", "2026-11-01")
    assert {"root@x.example": ["rejected"], "reply@x.example": ["rejected", "link-lost"]} == {
        one["message_id"]: one["changes"] for one in found
    }
    text = desk.run("redecide", "--since", "2026-11-01").stdout
    assert "root@x.example: rejected: accepted for queue/support → NoCorrelationMatch" in text
    assert "2 of 2 deliveries would change, 1 link-lost, 2 rejected." in text
    assert before == filed.dump()
    assert [(0,)] == filed.rows("SELECT count(*) FROM resolver.job")


def test_applied_it_is_explained_with_who_asked_and_why(desk, filed):
    take_nothing(desk)
    done = desk.run("redecide", "--since", "2026-11-01", "--apply", "--reason", " fewer mails ")
    assert "2 messages will be decided again; `mailweave wait` returns when they are." in done.stdout
    assert [(1,)] == filed.rows("SELECT count(*) FROM resolver.job")
    work(desk)

    (told,) = desk.json("explain", "root@x.example")
    (delivery,) = told["deliveries"]
    assert ("NoCorrelationMatch", "redecide", "fewer mails") == (
        delivery["outcome"], delivery["cause"], delivery["asked"]["reason"],
    )  # fmt: skip
    assert told["subject"] is None
    assert ["accepted"] == [one["outcome"] for one in delivery["history"]]
    assert (
        f"(redecide, asked by {delivery['asked']['author']}: fewer mails)"
        in desk.run("explain", "root@x.example").stdout
    )
    assert [] == desk.json("redecide", "--since", "2026-11-01")


def test_json_on_stdout_is_json_alone(desk, filed):
    take_nothing(desk)
    done = desk.run("redecide", "--since", "2026-11-01", "--apply", "--reason", "r", "--json")

    assert 2 == len([json.loads(line) for line in done.stdout.splitlines()])
    assert "2 messages will be decided again" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["--since", "2026-11-01", "--mailbox", "nobody@x"], "no mail of nobody@x is stored", id="mailbox"),
        pytest.param(["--since", "2026-11-01", "--mailbox", "a\x1b@x\u202e"], "is no mailbox", id="hostile"),
        pytest.param(["--since", "2026-11-01", "--mailbox", "x\0@y"], "is no mailbox", id="nul"),
        pytest.param(["--since", "2026-11-01", "--apply"], "--reason", id="reason"),
        pytest.param(["--since", "2026-11-01", "--apply", "--reason", " "], "--reason", id="blank"),
        pytest.param(["--since", "2026-11-01", "--apply", "--reason", "a\0b"], "--reason", id="nul-in-reason"),
        pytest.param(["--since", "2026-11-01", "--reason", "x"], "--apply", id="unapplied"),
        pytest.param(["--since", "soon"], "--since", id="date"),
        pytest.param([], "--since", id="no-date"),
    ],
)
def test_what_makes_no_sense_is_refused(desk, filed, arguments, says):
    result = desk.run("redecide", *arguments)

    assert (2, "", True) == (result.exit_code, result.stdout, says in result.stderr), result.stderr
    assert [(0,)] == filed.rows("SELECT count(*) FROM resolver.redecision")
