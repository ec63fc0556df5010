"""
The ingest directory: one folder per mailbox, into which mails are dropped as files.

A file is taken from ``new/`` of a Maildir or as ``*.eml``, and deleted once it is handed over. It must come by rename:
what lies in ``tmp/`` or begins with a dot is still being written. Several replicas may read one directory: the id of a
delivery is that of its content, and a file that is gone was taken by another.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from services.domain.alert_signals import of_ingest
from services.domain.errors import MailweaveError, Retry, Stop
from services.domain.recipients import Disabled, Ours, Unknown, recipient
from services.fetcher.cursorless import take_new
from services.fetcher.deliveries import OWNER
from services.fetcher.envelopes import MEGABYTE
from services.fetcher.fetch import BATCH_BYTES, BATCH_MAILS
from services.fetcher.handover import Arrival, Content
from services.fetcher.intake import arrival
from services.fetcher.marks import mark
from services.fetcher.polling import Ports
from services.fetcher.spooling import spool_file
from services.runtime import metrics, signals
from services.settings.permits import forward_mailboxes, permit_of
from services.settings.snapshot import Snapshot

log = logging.getLogger(__name__)

TURN_SECONDS = 1.0
AGAIN_SECONDS = 60.0  # a file that is stuck is tried again: a limit may be raised, a right given
SHARE = 5000  # files of one mailbox at a time, so that a large one lets the others in between


class _Stays(Exception):  # noqa: N818 - named for what becomes of the file
    """A file that is not taken, with the reason."""


@dataclass(frozen=True, slots=True)
class _Dropped:
    """A file as it was when it was read: what has another stamp is another mail under the same name."""

    path: Path
    stamp: tuple[int, int, int]


def _stamp(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_ino, stat.st_size, stat.st_ctime_ns


@dataclass(kw_only=True)
class Ingest:
    """
    Reads one directory. Only one thread may call it.

    ``produced`` is told how many deliveries were new, ``clock`` gives monotonic seconds. ``log_key`` hashes mailboxes
    for the log.
    """

    folder: Path
    settings: Callable[[], Snapshot]
    ports: Ports
    produced: Callable[[int], None]
    clock: Callable[[], float]
    log_key: bytes = field(repr=False)
    _told: set[Path] = field(default_factory=set, init=False)
    _again: dict[Path, float] = field(default_factory=dict, init=False)

    def run(self, stopping: threading.Event) -> None:
        """Read until asked to stop. Files stay while a store is away, and that is told once."""
        told = ""
        while not stopping.wait(TURN_SECONDS):
            try:
                self.turn(stopping.is_set)
                told = ""
            except (MailweaveError, OSError) as error:
                if str(error) != told:
                    log.warning("the ingest directory is not read now: %s", error)
                told = str(error)

    def turn(self, ended: Callable[[], bool] = lambda: False) -> None:
        """Take what lies there, mailbox by mailbox; ends early, between two batches, when ``ended``."""
        self._look_again()
        for path in sorted(p for p in self.folder.iterdir() if p.is_dir() and not p.name.startswith(".")):
            settings = self.settings()
            match recipient(path.name, settings.mailboxes, partial(permit_of, settings)):
                case Ours(mailbox):
                    try:
                        self._mailbox(path, mailbox, ended)
                    except OSError as error:  # the folders of the other mailboxes go on
                        self._stuck(path, mailbox, str(error.strerror))
                case Disabled():
                    self._tell(path, "the mailbox of a folder of the ingest directory is disabled")
                case Unknown():
                    self._tell(path, "a folder of the ingest directory names no mailbox")

    def _mailbox(self, folder: Path, mailbox: str, ended: Callable[[], bool]) -> None:
        limit = self.settings().organization.message_max_mb * MEGABYTE
        self._told.discard(folder)
        batch: list[tuple[_Dropped, Arrival]] = []
        size = 0
        for path in sorted(islice(self._files(folder), SHARE)):
            if ended():
                return
            try:
                dropped, came = self._read(path, mailbox, limit)
            except FileNotFoundError:
                continue
            except (_Stays, OSError) as error:
                self._stuck(path, mailbox, str(error) if isinstance(error, _Stays) else str(error.strerror))
                continue
            batch.append((dropped, came))
            size += len(came.content.raw) if isinstance(came.content, Content) else 0
            if len(batch) == BATCH_MAILS or size > BATCH_BYTES:
                self._take(batch, mailbox)
                batch, size = [], 0
        if batch:
            self._take(batch, mailbox)

    def _files(self, folder: Path) -> Iterator[Path]:
        for place, suffix in ((folder / "new", ""), (folder, ".eml")):
            if place.is_dir():
                with os.scandir(place) as entries:
                    names = (e.name for e in entries if e.name.lower().endswith(suffix) and not e.name.startswith("."))
                    yield from (path for path in map(place.joinpath, names) if path not in self._again)

    def _read(self, path: Path, mailbox: str, limit: int) -> tuple[_Dropped, Arrival]:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise _Stays("it is no regular file")
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
            if stat.st_size > limit:
                raise _Stays("it is larger than message.maxMb allows")
            mail = spool_file(file, self.ports.blobs.writer)
        return _Dropped(path, _stamp(stat)), arrival(mail, mailbox=mailbox, source="ingest", ports=self.ports)

    def _take(self, batch: list[tuple[_Dropped, Arrival]], mailbox: str) -> None:
        try:
            taken = take_new(self.ports, [came for _, came in batch], collectors=forward_mailboxes(self.settings()))
        except (Retry, Stop):
            raise
        except Exception as error:
            if len(batch) == 1:
                log.exception("handing a dropped file over broke")
                self._stuck(batch[0][0].path, mailbox, f"it cannot be handed over: {type(error).__name__}")
            else:
                # One that can never be handed over must not keep the others.
                for one in batch:
                    self._take([one], mailbox)
            return
        metrics.PUSHED.labels("ingest", "taken").inc(len(taken.messages))
        metrics.PUSHED.labels("ingest", "known").inc(taken.known)
        self.produced(len(taken.messages))
        for dropped, _ in batch:
            try:
                if _stamp(dropped.path.stat()) == dropped.stamp:
                    dropped.path.unlink()
            except FileNotFoundError:
                continue  # another replica has taken it too
            except OSError as error:
                self._stuck(dropped.path, mailbox, f"it is taken and cannot be deleted: {error.strerror}")

    def _stuck(self, path: Path, mailbox: str, reason: str) -> None:
        self._again[path] = self.clock() + AGAIN_SECONDS
        if path in self._told:
            return
        self._told.add(path)
        metrics.PUSHED.labels("ingest", "stuck").inc()
        log.warning("a dropped file stays: %s", reason, extra={"mailbox": mark(self.log_key, mailbox)})
        with self.ports.database.transaction() as connection:
            signals.append(connection, OWNER, [of_ingest(mailbox, detail=reason, at=self.ports.now())])

    def _tell(self, path: Path, what: str) -> None:
        if path not in self._told:
            self._told.add(path)
            log.warning(what, extra={"mailbox": mark(self.log_key, path.name)})

    def _look_again(self) -> None:
        now = self.clock()
        self._again = {path: due for path, due in self._again.items() if due > now}
        self._told = {path for path in self._told if os.path.lexists(path)}
