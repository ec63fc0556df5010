"""Files that are dropped for a mailbox are handed over, then deleted; what cannot be taken stays."""

import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from services import contracts
from services.domain.errors import Retry
from services.domain.identity import delivery_id_pushed
from services.fetcher.ingest import Ingest
from services.settings.snapshot import EMPTY, apply
from tests.component.fetcher.listener import settings

pytestmark = pytest.mark.component

MAIL = b"Message-ID: <%d@else.example>\nFrom: a@else.example\nSubject: mail\n\nbody\n"


class Desk:
    """An ingest directory with a folder for the mailbox, and a reader of it under a clock that stands still."""

    def __init__(self, outside, root, snapshot):
        self.outside, self.root, self.folder = outside, root, root / outside.mailbox
        (self.folder / "new").mkdir(parents=True)
        self.snapshot, self.now = snapshot, 0.0
        self.produced = []
        self.reader = self.replica()

    def replica(self):
        return Ingest(
            folder=self.root,
            settings=lambda: self.snapshot,
            ports=self.outside.ports,
            produced=self.produced.append,
            clock=lambda: self.now,
            log_key=b"key",
        )

    def drop(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def left(self):
        return sorted(str(p.relative_to(self.root)) for p in self.root.rglob("*") if not p.is_dir() or p.is_symlink())

    def deliveries(self):
        query = (
            "SELECT id, source, folder, encode(blob_sha256, 'hex') FROM fetcher.delivery WHERE mailbox = %(mailbox)s"
        )
        return self.outside.rows(query)

    def signals(self):
        found = self.outside.rows("SELECT value FROM fetcher.outbox WHERE topic = 'alert-signals' ORDER BY id")
        read = (contracts.decode(value)[1] for (value,) in found)
        return [s["detail"] or s["state"] for s in read if s["object"] == f"mailbox/{self.outside.mailbox}"]

    def later(self):
        self.now += 100
        self.reader.turn()


@pytest.fixture
def desk(outside, tmp_path):
    snapshot = settings(megabytes=6, **{outside.mailbox: True, f"off-{outside.mailbox}": False})
    return Desk(outside, tmp_path / "ingest", snapshot)


def test_a_dropped_mail_is_handed_over_byte_for_byte_and_deleted(desk):
    desk.drop("a.EML", MAIL % 1)
    desk.drop("new/1700000000.M1P1.host", MAIL % 2)

    desk.reader.turn()

    assert [] == desk.left()
    assert {("ingest", "INBOX")} == {(source, folder) for _, source, folder, _ in desk.deliveries()}
    assert {MAIL % 1, MAIL % 2} == {desk.outside.ports.blobs.read(sha256) for *_, sha256 in desk.deliveries()}
    assert {delivery_id_pushed(desk.outside.mailbox, d[3]) for d in desk.deliveries()} == {
        d[0] for d in desk.deliveries()
    }
    assert {("ingest", "inbox")} == {(r["source"], r["folder_role"]) for r in desk.outside.records()}
    assert [2] == desk.produced


def test_what_is_still_being_written_is_left_alone(desk):
    (desk.folder / "tmp").mkdir()
    (desk.folder / "cur").mkdir()
    names = [".a.eml", "new/.hidden", "tmp/1.eml", "cur/seen", "a.txt"]
    for name in names:
        desk.drop(name, MAIL % 1)

    desk.reader.turn()

    assert sorted(f"{desk.outside.mailbox}/{name}" for name in names) == desk.left()
    assert [] == desk.deliveries()


@pytest.mark.parametrize("away", ["before", "after"])
def test_while_kafka_is_away_files_stay_and_nothing_is_doubled(desk, away):
    desk.drop("a.eml", MAIL % 1)
    send = desk.outside.ports.send

    def fail(rows):
        if away == "after":
            send(rows)
        raise Retry("no broker")

    object.__setattr__(desk.outside.ports, "send", fail)
    with pytest.raises(Retry):
        desk.reader.turn()
    assert 1 == len(desk.left())
    object.__setattr__(desk.outside.ports, "send", send)
    desk.reader.turn()

    assert [] == desk.left()
    assert 1 == len(desk.deliveries()) == len({r["delivery_id"] for r in desk.outside.records()})


def test_the_same_mail_twice_is_one_delivery(desk):
    for name in ("a.eml", "b.eml"):
        desk.drop(name, MAIL % 1)
    desk.reader.turn()
    desk.drop("c.eml", MAIL % 1)
    desk.reader.turn()

    assert [] == desk.left()
    assert 1 == len(desk.deliveries()) == len(desk.outside.sent)


def test_two_replicas_take_nothing_twice(desk):
    for n in range(250):
        desk.drop(f"{n}.eml", MAIL % n)
    replicas = [desk.replica() for _ in range(3)]
    errors = []

    def run(replica):
        try:
            replica.turn()
        except Exception as error:  # noqa: BLE001 - whatever it is fails the test
            errors.append(error)

    threads = [threading.Thread(target=run, args=(replica,)) for replica in replicas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == errors
    assert [] == desk.left()
    assert 250 == len(desk.deliveries())


def test_a_mail_that_was_dropped_over_one_that_is_being_taken_stays(desk):
    """The new mail under the same name is another one; it is taken at the next turn."""
    path = desk.drop("a.eml", MAIL % 1)
    send = desk.outside.ports.send

    def drop_another(rows):
        send(rows)
        (desk.folder / ".a").write_bytes(MAIL % 2)
        (desk.folder / ".a").rename(path)
        object.__setattr__(desk.outside.ports, "send", send)

    object.__setattr__(desk.outside.ports, "send", drop_another)
    desk.reader.turn()
    assert 1 == len(desk.left())
    desk.reader.turn()

    assert [] == desk.left()
    assert 2 == len(desk.deliveries())


def test_a_file_that_cannot_be_taken_stays_and_is_told_once(desk, caplog):
    desk.drop("large.eml", MAIL % 1 + b"x" * 7_000_000)
    (desk.folder / "folder.eml").mkdir()
    (desk.folder / "link.eml").symlink_to(desk.root / "elsewhere")
    os.mkfifo(desk.folder / "pipe.eml")
    desk.drop("z.eml", MAIL % 2)

    for _ in range(3):
        desk.reader.turn()
        desk.now += 100

    assert 1 == len(desk.deliveries())
    assert 3 == len(desk.left())
    warnings = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert 4 == len(warnings) == len(desk.signals())
    assert "it is larger than message.maxMb allows" in desk.signals()
    assert not [r for r in warnings if desk.outside.mailbox in str(r.__dict__)]


def test_a_file_that_was_too_large_is_taken_when_the_limit_is_raised(desk):
    desk.drop("large.eml", MAIL % 1 + b"x" * 7_000_000)
    desk.reader.turn()
    desk.snapshot = settings(megabytes=8, **{desk.outside.mailbox: True})
    desk.now += 100
    desk.reader.turn()

    assert [] == desk.left()
    ((*_, sha256),) = desk.deliveries()
    assert desk.outside.ports.blobs.path(sha256).stat().st_size > 7_000_000


def test_one_mail_that_breaks_the_hand_over_does_not_keep_the_others(desk):
    for n in range(5):
        desk.drop(f"{n}.eml", MAIL % n)
    send = desk.outside.ports.send

    def break_at_three(rows):
        if any(row.key == b"3@else.example" for row in rows):
            raise ValueError("never")
        send(rows)

    object.__setattr__(desk.outside.ports, "send", break_at_three)
    desk.reader.turn()

    assert [f"{desk.outside.mailbox}/3.eml"] == desk.left()
    assert 4 == len(desk.deliveries())
    assert ["it cannot be handed over: ValueError"] == desk.signals()

    object.__setattr__(desk.outside.ports, "send", send)
    desk.later()
    assert ["cleared"] == desk.signals()[1:]


LINK = "it is no regular file"


def link(desk, name):
    path = desk.folder / name
    path.symlink_to(desk.root / "elsewhere")
    return path


def test_the_alert_resolves_when_no_file_of_the_mailbox_is_stuck_any_longer(desk):
    one, other = link(desk, "one.eml"), link(desk, os.fsdecode(b"\xff.eml"))
    desk.reader.turn()
    one.unlink()
    desk.later()
    assert [LINK, LINK] == desk.signals()
    other.unlink()
    desk.later()
    desk.later()

    assert [LINK, LINK, "cleared"] == desk.signals()


def test_what_was_stuck_before_a_restart_is_not_told_again_and_resolves_after_it(desk):
    path = link(desk, "one.eml")
    desk.reader.turn()
    desk.reader = desk.replica()
    desk.reader.turn()
    assert [LINK] == desk.signals()
    path.unlink()
    desk.reader = desk.replica()
    desk.reader.turn()

    assert [LINK, "cleared"] == desk.signals()


def test_what_cannot_be_told_now_is_told_later(desk, monkeypatch):
    link(desk, "one.eml")
    with monkeypatch.context() as broken:
        broken.setattr("services.runtime.signals.append", away)
        with pytest.raises(Retry):
            desk.reader.turn()
    desk.later()

    assert [LINK] == desk.signals()


def away(*_):
    raise Retry("PostgreSQL is away")


def test_of_many_replicas_one_tells_and_one_resolves(desk):
    paths = [link(desk, f"{n}.eml") for n in range(8)]
    replicas = [desk.replica() for _ in range(4)]
    at_once([replica.turn for replica in replicas])
    assert [LINK] * 8 == desk.signals()
    for path in paths:
        path.unlink()
    desk.now += 100
    at_once([replica.turn for replica in replicas])

    assert ["cleared"] == desk.signals()[8:]


def at_once(calls):
    with ThreadPoolExecutor(len(calls)) as pool:
        for done in [pool.submit(call) for call in calls]:
            done.result()


def test_a_folder_that_cannot_be_read_resolves_when_it_can(desk, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(Ingest, "_files", forbidden)
        desk.reader.turn()
    desk.reader.turn()

    assert ["Permission denied", "cleared"] == desk.signals()


def forbidden(*_):
    raise PermissionError(13, "Permission denied")


def test_while_the_directory_is_away_nothing_counts_as_gone(desk):
    link(desk, "one.eml")
    desk.reader.turn()
    desk.root.rename(desk.root.with_name("away"))
    with pytest.raises(FileNotFoundError):
        desk.later()

    assert [LINK] == desk.signals()


def test_folders_of_unknown_and_disabled_mailboxes_are_left_alone_and_told_once(desk, caplog):
    for name in ("nobody@own.example", f"off-{desk.outside.mailbox}", ".hidden"):
        (desk.root / name).mkdir()
        (desk.root / name / "a.eml").write_bytes(MAIL % 1)
    (desk.root / "a.eml").write_bytes(MAIL % 1)

    desk.reader.turn()
    desk.reader.turn()

    assert 4 == len(desk.left())
    assert 2 == len([r for r in caplog.records if "ingest directory" in r.message])


def test_a_directory_that_is_gone_is_told_once_and_read_when_it_is_there_again(desk, caplog, monkeypatch):
    monkeypatch.setattr("services.fetcher.ingest.TURN_SECONDS", 0.01)
    path = desk.drop("a.eml", MAIL % 1)
    away = desk.root.with_name("away")
    desk.root.rename(away)
    turns = []

    class Stopping(threading.Event):
        def wait(self, timeout=None):
            turns.append(timeout)
            if len(turns) == 4:
                away.rename(desk.root)
            return len(turns) == 6

    desk.reader.run(Stopping())

    assert 1 == len([r for r in caplog.records if "is not read now" in r.message])
    assert not path.exists()
    assert 1 == len(desk.deliveries())


def test_a_mailbox_that_is_only_pushed_to_needs_no_server(desk):
    mailbox = desk.outside.mailbox
    desk.snapshot = apply(EMPTY, f"mailbox/{mailbox}", 1, {"address": mailbox, "incoming": "push"})
    desk.drop("a.eml", MAIL % 1)
    desk.reader.turn()

    assert [] == desk.left()
    assert 1 == len(desk.deliveries())
