"""The router at work: each mailbox when it is due, longer pauses while the endpoint is away, one router a folder."""

import threading
import time

import pytest

from services.domain.errors import Refused
from services.router import running, schedule
from services.router.checks import Ended, Hello
from services.router.mailboxes import Mailbox, MailboxTable
from services.router.schedule import Schedule
from services.settings.models import ServerProfile

pytestmark = pytest.mark.component


def mailboxes(tmp_path, *names):
    tables = [
        MailboxTable(address=f"{name}@x.org", server="s", user=name, password_file="p") for name in names
    ]  # fmt: skip
    return tuple(
        Mailbox(table, ServerProfile(host="h", port=1), tmp_path / "p", tmp_path / "tokens") for table in tables
    )


def working(boxes, check, hello=lambda: None):
    return Schedule(boxes, check, hello=hello, mark=lambda address: address[:1])


def at_work(router, condition, seconds=20):
    stopping = threading.Event()
    thread = threading.Thread(target=router.run, args=(stopping,), daemon=True)
    thread.start()
    until(condition, seconds)
    stopping.set()
    thread.join(20)
    assert not thread.is_alive()


def test_each_mailbox_is_checked_again_and_one_that_hangs_does_not_hold_the_others(tmp_path):
    checked: list[str] = []

    def check(mailbox, go_on):
        checked.append(mailbox.address)
        while mailbox.address == "slow@x.org" and go_on():
            time.sleep(0.01)
        return Ended("", 0, 0.0)

    at_work(working(mailboxes(tmp_path, "slow", "a", "b"), check), lambda: checked.count("b@x.org") > 2)

    assert 1 == checked.count("slow@x.org")


def test_while_the_endpoint_is_away_the_pauses_grow_and_end_when_it_is_back(tmp_path, monkeypatch):
    monkeypatch.setattr(schedule, "pauses", lambda: iter([0.0, 0.0, 10_000.0]))
    answers = [Ended("endpoint", 0, None), Ended("", 1, 0.0), *[Ended("endpoint", 0, None)] * 3]
    left = list(answers)

    def check(_mailbox, _go_on):
        return left.pop(0)

    at_work(working(mailboxes(tmp_path, "a"), check), lambda: not left)


def test_when_the_endpoint_says_when_to_come_again_that_counts(tmp_path):
    checked: list[float] = []

    def check(_mailbox, _go_on):
        checked.append(time.monotonic())
        return Ended("left_to_fetcher", 0, None, 3600.0)

    at_work(working(mailboxes(tmp_path, "a"), check), lambda: checked)
    assert 1 == len(checked)


def test_what_the_endpoint_wishes_or_a_new_password_makes_a_mailbox_due(tmp_path, monkeypatch):
    monkeypatch.setattr(schedule, "HELLO_SECONDS", 0.05)
    boxes = mailboxes(tmp_path, "a", "b")
    checked: list[str] = []
    said = [Hello(False, frozenset())]

    def check(mailbox, _go_on):
        checked.append(mailbox.table.user)
        return Ended("", 0, 3600.0)

    def came(count):
        return lambda: len(checked) == count

    stopping = threading.Event()
    thread = threading.Thread(target=working(boxes, check, lambda: said[0]).run, args=(stopping,), daemon=True)
    thread.start()
    until(came(2))
    said[0] = Hello(False, frozenset({"b@x.org"}))
    until(lambda: checked[2:3] == ["b"])
    said[0] = Hello(False, frozenset())
    time.sleep(0.3)
    before = len(checked)
    said[0] = Hello(True, frozenset())
    until(came(before + 2))
    (tmp_path / "p").write_text("new")
    until(came(before + 4))
    stopping.set()
    thread.join(20)


def until(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_is_wrong_is_told_once_and_that_it_is_over(tmp_path, caplog):
    caplog.set_level("INFO")
    left = [*[Ended("endpoint", 0, None, words="it is away")] * 3, Ended("", 0, 0.0), Ended("", 2, 3600.0)]

    at_work(working(mailboxes(tmp_path, "a"), lambda *_: left.pop(0)), lambda: len(caplog.records) == 3)

    told = [record.getMessage() for record in caplog.records]
    assert ["a mailbox cannot be read: it is away", "a mailbox is read again", "mails are handed in"] == told


def test_a_state_folder_is_one_routers_and_what_a_killed_one_left_goes(tmp_path):
    left = tmp_path / "state" / "room" / "left"
    left.mkdir(parents=True)
    with running._alone(tmp_path / "state") as room:
        assert (False, []) == (left.exists(), list(room.iterdir()))
        with pytest.raises(Refused, match="another router"), running._alone(tmp_path / "state"):
            pass
    with running._alone(tmp_path / "state"):
        pass

    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="cannot be used"), running._alone(tmp_path / "file"):
        pass
