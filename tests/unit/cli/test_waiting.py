"""When a folder counts as read, and when a wait is over."""

import pytest

from services.cli.waiting import Missing, Target, behind, until_done
from services.storage.reports.progress import Cursor

ONE = Missing("folder", 1, "x")


def _cursor(**changes):
    return Cursor(
        **{
            "mailbox": "m@x",
            "folder": "INBOX",
            "uidvalidity": 7,
            "uid": 10,
            "uidnext": 11,
            "last_error": None,
            **changes,
        }
    )


def _target(uidnext=11, folder="INBOX", uidvalidity=7):
    return Target("m@x", folder, uidvalidity, uidnext)


@pytest.mark.parametrize(
    ("target", "cursors"),
    [
        pytest.param(_target(), [_cursor()], id="reached"),
        pytest.param(_target(), [_cursor(uid=99)], id="beyond"),
        pytest.param(_target(folder="Inbox"), [_cursor()], id="inbox-knows-no-case"),
        pytest.param(_target(uidnext=1), [], id="empty-folder"),
    ],
)
def test_a_folder_that_was_read_to_the_end_lacks_nothing(target, cursors):
    assert behind(target, cursors) is None


@pytest.mark.parametrize(
    ("target", "cursors", "count", "said"),
    [
        pytest.param(_target(uidnext=14), [_cursor()], 3, "3 UIDs behind (at 10, wanted 13)", id="behind"),
        pytest.param(_target(), [], 10, "not read yet", id="never-read"),
        pytest.param(_target(), [_cursor(mailbox="n@x")], 10, "not read yet", id="another-mailbox"),
        pytest.param(_target(folder="a"), [_cursor(folder="A")], 10, "not read yet", id="folders-know-case"),
        pytest.param(_target(uidvalidity=8), [_cursor(uid=99)], 10, "numbered the folder anew", id="uidvalidity"),
        pytest.param(_target(uidnext=12), [_cursor(last_error="no login")], 1, "last error: no login", id="error"),
    ],
)
def test_a_folder_that_is_behind_says_by_how_much(target, cursors, count, said):
    missing = behind(target, cursors)

    assert missing is not None
    assert count == missing.count
    assert said in missing.text


class Clock:
    def __init__(self):
        self.time = 0.0

    def now(self):
        return self.time

    def pause(self, seconds):
        self.time += seconds


def test_a_wait_ends_with_the_first_look_that_finds_nothing_missing():
    clock, answers = Clock(), [[ONE], [ONE], []]

    assert [] == until_done(lambda: answers.pop(0), now=clock.now, pause=clock.pause, seconds=60)
    assert clock.time < 1


def test_a_wait_gives_up_when_the_time_is_over():
    clock = Clock()

    assert [ONE] == until_done(lambda: [ONE], now=clock.now, pause=clock.pause, seconds=5)
    assert pytest.approx(5) == clock.time


def test_no_time_is_one_look():
    answers = [[ONE], []]

    assert [ONE] == until_done(lambda: answers.pop(0), now=Clock().now, pause=Clock().pause, seconds=0)
