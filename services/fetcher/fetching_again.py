"""Raw mails that are gone from the blob store and needed again: fetched from where they lie, if they still do."""

import hashlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from services.contracts.codec import encode
from services.domain.approval import Permit
from services.domain.errors import MailweaveError, Retry, Stop
from services.fetcher import failures, fetch, imap
from services.fetcher.answers import LISTING, listed
from services.fetcher.authentication import Credential
from services.fetcher.deliveries import OWNER, Database
from services.fetcher.handover import Arrival, Blobs, Content, Stored
from services.fetcher.polling import Ports
from services.fetcher.protocols import session
from services.fetcher.unwrapping import unwrap
from services.settings.objects import logins
from services.settings.permits import left_to_routers, polling_of
from services.settings.snapshot import Snapshot
from services.storage import outbox
from services.storage.outbox import OutboxRow

log = logging.getLogger(__name__)

FETCH, STORED, GONE = "fetch-again", "content-stored", "content-gone"
TICK_SECONDS = 0.5
CLAIM_MINUTES = 10  # who is killed over one leaves it to others after that
TRIES = 4
RETRY_SECONDS = 30

UNKNOWN = "the fetcher does not know the mail"
NO_PLACE = "it lies on no server, or nobody knows where"
NOT_READ = "its mailbox is not read any more"
ROUTED = "its mailbox is read by a router, which is not asked"
NO_FOLDER = "its folder is no longer there"
NUMBERED_ANEW = "its folder was numbered anew"
MOVED = "it no longer lies there"
ANOTHER = "another mail lies in its place"
BROKE = "reading it broke inside; see the log of the fetcher"

_ASKED = """
INSERT INTO fetcher.content_request (command, delivery, due) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"""
_CLAIM = """
UPDATE fetcher.content_request SET attempts = attempts + 1, due = %(now)s + %(minutes)s * interval '1 minute'
WHERE command = (SELECT command FROM fetcher.content_request WHERE due <= %(now)s ORDER BY due, command
                 LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING command, delivery, attempts"""
_PLACE = """
SELECT mailbox, folder_id, folder, uidvalidity, uid, blob_sha256, wrapper_sha256 FROM fetcher.delivery
WHERE id = %s"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mail lies, and the SHA-256 of what lies there and of what it was taken for."""

    mailbox: str
    folder_id: str
    folder: str
    uidvalidity: int | None
    uid: int | None
    blob: bytes | None
    wrapper: bytes | None


def ask(database: Database, command: UUID, delivery: UUID, at: datetime) -> None:
    """Note that the raw mail of a delivery is wanted."""
    with database.transaction() as connection:
        connection.execute(_ASKED, (command, delivery, at))


@dataclass(kw_only=True)
class FetchingAgain:
    """
    Fetches one raw mail at a time; see :class:`services.fetcher.checks.Checker` for what it is given.

    A session of its own reads the folder without changing a flag. Every wish is answered, by a command to the resolver.
    """

    settings: Callable[[], Snapshot]
    ports: Callable[[], Ports]
    credential: Callable[[Ports, str], Credential] = field(repr=False)
    ca_file: Path | None = None

    def run(self, stopping: threading.Event) -> None:
        """Fetch what is wanted until ``stopping`` is set; a store that is away puts it off."""
        while not stopping.wait(TICK_SECONDS):
            try:
                while not stopping.is_set() and self.step():
                    pass
            except Retry as error:
                log.warning("raw mails are fetched again later: %s", error)

    def step(self) -> bool:
        """Take one wish that is due; return whether there was one. One that fails is put off, then answered so."""
        ports = self.ports()
        with ports.database.transaction() as connection:
            row = connection.execute(_CLAIM, {"now": ports.now(), "minutes": CLAIM_MINUTES}).fetchone()
        if row is None:
            return False
        command, delivery, attempts = row
        failed = False
        try:
            why = self._fetch(ports, delivery)
        except Stop:
            raise
        except MailweaveError as error:
            if isinstance(error, Retry) and not isinstance(error, failures.MailServerError):
                raise
            failed, why = True, f"its server cannot be read ({error.code})"
        except Exception:
            log.exception("a raw mail could not be fetched again")
            failed, why = True, BROKE
        if failed and attempts < TRIES:
            with ports.database.transaction() as connection:
                due = ports.now() + timedelta(seconds=RETRY_SECONDS * attempts)
                connection.execute("UPDATE fetcher.content_request SET due = %s WHERE command = %s", (due, command))
            return True
        with ports.database.transaction() as connection:
            connection.execute("DELETE FROM fetcher.content_request WHERE command = %s", (command,))
            outbox.append(connection, OWNER, [_answer(delivery, why, ports.now())])
        return True

    def _fetch(self, ports: Ports, delivery: UUID) -> str:
        """Store a raw mail again; return why that cannot be, or nothing."""
        with ports.database.transaction() as connection:
            row = connection.execute(_PLACE, (delivery,)).fetchone()
        if row is None:
            return UNKNOWN
        place, snapshot = Place(*row), self.settings()
        if place.uid is None or place.blob is None:
            return NO_PLACE
        if polling_of(snapshot, place.mailbox) is not Permit.ALLOWED:
            return NOT_READ
        if left_to_routers(snapshot):
            return ROUTED
        mailbox, profile = snapshot.mailboxes[place.mailbox], snapshot.profile_of(place.mailbox)
        assert profile is not None, "a mailbox without a server is not polled"
        login = logins.incoming(mailbox, profile)
        assert login is not None, "a mailbox without a credential is not polled"
        credential = self.credential(ports, login.credential)
        with session(profile, login.user, credential, self.ca_file, opens=login.opens) as connection:
            if not isinstance(connection, imap.Connection):
                return NO_PLACE
            return again(connection, place, ports.blobs, ports.now())


def again(connection: imap.Connection, place: Place, blobs: Blobs, now: datetime) -> str:
    """Store what lies in a place, if it is still the mail that was taken from there; return why not, or nothing."""
    try:
        selected = connection.select(place.folder)
    except failures.FolderUnknown:
        return NO_FOLDER
    if selected.uidvalidity != place.uidvalidity:
        return NUMBERED_ANEW
    mails = [one for one in listed(connection.fetch_checked(str(place.uid), LISTING), now) if one.uid == place.uid]
    wanted = (place.wrapper or place.blob or b"").hex()
    if not mails:
        return MOVED
    got = fetch.read(connection, mails, lambda: _Checked(blobs.writer(), wanted), limit=mails[0].size)
    for one in got:
        content: Content | Stored | None = None
        match one:
            case fetch.Small(_, raw) if hashlib.sha256(raw).hexdigest() == wanted:
                blobs.put_many([raw])
                content = Content(raw)
            case fetch.Large(_, sha256, _) if sha256 == wanted:
                content = Stored(sha256)
        if content is None:
            return ANOTHER
        if place.wrapper is not None:
            _enclosed(place, content, blobs)
        return ""
    return MOVED


class _Checked:
    """A blob that is only kept when it has the hash that is wanted."""

    def __init__(self, writer: fetch.BlobWriter, wanted: str) -> None:
        self._writer = writer
        self._wanted = wanted
        self._hash = hashlib.sha256()

    def write(self, chunk: bytes) -> None:
        self._hash.update(chunk)
        self._writer.write(chunk)

    def commit(self) -> str:
        if self._hash.hexdigest() == self._wanted:
            return self._writer.commit()
        self._writer.abort()
        return self._hash.hexdigest()

    def abort(self) -> None:
        self._writer.abort()


def _enclosed(place: Place, content: Content | Stored, blobs: Blobs) -> None:
    """Store the messages in a mail of a forward mailbox, too."""
    around = Arrival(
        id=uuid4(), source="imap", mailbox=place.mailbox, folder_id=place.folder_id, folder=place.folder,
        folder_role="", uidvalidity=place.uidvalidity, uid=place.uid, internal_date=None, size=0, content=content,
    )  # fmt: skip
    blobs.put_many([one.content.raw for one in unwrap([around], blobs) if isinstance(one.content, Content)])


def _answer(delivery: UUID, why: str, at: datetime) -> OutboxRow:
    about = f"delivery/{delivery}"
    value = {
        "id": str(uuid4()), "kind": GONE if why else STORED, "object": about, "author": "fetcher", "time": at,
        "reason": why, "target": "", "onto": "", "address": "", "record": "", "only_this": False,
    }  # fmt: skip
    return OutboxRow("commands", about.encode(), encode("Command", value), {})
