"""A resolver on a database of its own: records in, decisions and activities out, no Kafka between."""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from services import contracts, mime
from services.contracts.received import Found, to_record
from services.domain.addresses import normalise
from services.domain.facts import Policy
from services.domain.forwarding import Wrapper, wrapper_of
from services.domain.gathering import gather_all
from services.domain.identity import delivery_id_imap, identity, keyed_hash
from services.domain.own_token import Key, Keys
from services.domain.token_evidence import of_own, verified
from services.resolver.commands import carry_out
from services.resolver.handlers import project, resolve
from services.resolver.jobs import JobWorker
from services.resolver.settings import Settings
from services.runtime.records import Batch, Input
from services.storage.blobs import BlobFolder
from services.storage.postgres import Database
from tests.component.databases import created

KEY = b"k" * 32
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TOKEN_KEYS = Keys("", (Key("a", b"t" * 32),))
STATE = {
    "message": "message_key, id_key, message_id, thread, graph_version, flagged",
    "evidence": "child, target, kind, position",
    "circling": "child, target",
    "delivery": "id, message_key, direction, mailbox, folder, uid",
    "decision": "delivery_id, version, current, outcome, activity_id, accepted_id, method, correlated, cause",
    "activity": "id, version, method, correlated, parent, regarding_id, owner_id, accepted_id, subject",
    "party": "activity_id, role, position, address, records::text",
    "attachment": "activity_id, path, name, size",
    "dropped_attachment": "activity_id, path, name, reason, detail",
    "queue_item": "activity_id, queue_id",
    "regarding": "activity_id, type, id, position, source, author, why, ended",
    "withdrawn": "activity_id, version",
    "thread_merge": "loser, winner, version",
    "directory_record": "type, id, name, active, deleted",
}


def mail(name: str, *, answers: Sequence[str] = (), to: str = "support@own.example", **headers: str) -> bytes:
    """A small mail; ``answers`` are the ids in References, the last of them also in In-Reply-To."""
    lines = {
        "Message-ID": f"<{name}@x.example>",
        "From": "Kim <kim@customer.example>",
        "To": to,
        "Subject": f"Mail {name}",
        "Date": "Tue, 24 Nov 2026 10:00:00 +0000",
    }
    if answers:
        lines["References"] = " ".join(f"<{a}@x.example>" for a in answers)
        lines["In-Reply-To"] = f"<{answers[-1]}@x.example>"
    lines |= {k.replace("_", "-"): v for k, v in headers.items()}
    return "".join(f"{k}: {v}\r\n" for k, v in lines.items() if v).encode() + b"\r\nHello from " + name.encode()


@dataclass
class Resolver:
    """One database, one blob folder, and the settings in force."""

    url: str = field(repr=False)
    blobs: BlobFolder
    settings: Settings = field(
        default_factory=lambda: Settings(policy=Policy(version=1), mailbox_owners={}, options={})
    )
    offset: int = 0

    def record(
        self,
        raw: bytes,
        *,
        mailbox: str | None = None,
        uid: int | None = None,
        folder: str = "INBOX",
        thread: int = 7,
        tracked_by: str = "",
        around: bytes = b"",
        hour: int = 0,
    ) -> bytes:
        """What the correlator sends for a mail found in this place, ``around`` it the mail of a forward mailbox."""
        uid = zlib.crc32(raw) if uid is None else uid
        message = mime.parse(raw)
        mailbox = mailbox or normalise(message.to[0].address)
        own = identity(message)
        (sha256,) = self.blobs.put_many([raw])
        found = Found(
            delivery_id=delivery_id_imap(mailbox, folder, 1, uid),
            source="imap",
            mailbox=mailbox,
            folder=folder,
            folder_role="sent" if folder == "Sent" else "inbox",
            uidvalidity=1,
            uid=uid,
            internal_date=datetime(2026, 11, 24, hour, tzinfo=UTC),
            blob_sha256=sha256,
            size=len(raw),
            tracked_by=tracked_by,
            wrapper=self._wrapper(around) if around else None,
        )
        received = to_record(message, identity=own, found=found)
        gathered = gather_all(
            own.message_id,
            message,
            mailbox=mailbox,
            folder_role=found.folder_role,
            key=lambda what, text: keyed_hash(KEY, what, text),
            own_tokens=of_own(verified(message, TOKEN_KEYS, at=found.internal_date)),
        )
        return contracts.encode(
            "MessageCorrelated",
            {
                "delivery_id": str(found.delivery_id),
                "message_key": str(keyed_hash(KEY, "message", str(own))),
                "id_key": str(keyed_hash(KEY, "id", own.message_id)),
                "thread_id": thread,
                "graph_version": 1,
                "evidence": [
                    {
                        "kind": e.kind,
                        "cls": e.strength,
                        "position": e.position,
                        "target": str(e.target),
                        "value": e.value,
                    }
                    for e in gathered.evidence
                ],
                "truncated": gathered.truncated,
                "received": contracts.encode("MailReceived", received),
            },
        )

    def _wrapper(self, around: bytes) -> Wrapper:
        (sha256,) = self.blobs.put_many([around])
        return wrapper_of(mime.parse(around), messages=1, blob_sha256=sha256)

    def resolve(self, *values: bytes) -> Batch:
        """Hand one batch to the handler, as the stage does."""
        batch = Batch(self._inputs("mail-correlated", values))
        with closing(Database(self.url, "resolver")) as database:
            resolve(batch, database=database, settings=lambda: self.settings)
        return batch

    def directory(self, *records: dict[str, Any]) -> None:
        """Apply directory records."""
        full = [
            {
                "owner": None,
                "active": True,
                "deleted": False,
                "merged_into": None,
                "name": r["id"],
                "addresses": [],
                **r,
            }
            for r in records
        ]
        values = [contracts.encode("DirectoryRecord", r) for r in full]
        with closing(Database(self.url, "resolver")) as database:
            project(Batch(self._inputs("directory", values)), database=database)

    def regarding(self, record: str, name: str = "", /, *, take: bool = False, **fields: Any) -> Batch:
        """
        Let a person file mail under a record, or take it away from there: the mail with this name, or all there is.

        What follows from it waits in jobs.
        """
        activities = self.rows(
            "SELECT a.id FROM resolver.activity a JOIN resolver.message m USING (message_key)"
            " WHERE %s IN ('', split_part(m.message_id, '@', 1)) ORDER BY a.id",
            name,
        )
        command = {
            "kind": "remove-regarding" if take else "add-regarding", "author": "mira", "reason": "she knows",
            "time": NOON, "target": "", "onto": "", "address": "", "record": record, "only_this": False,
        }  # fmt: skip
        values = [
            contracts.encode("Command", {"id": str(uuid4()), "object": f"activity/{one}", **command, **fields})
            for (one,) in activities
        ]
        batch = Batch(self._inputs("commands", values))
        with closing(Database(self.url, "resolver")) as database:
            carry_out(batch, database=database, settings=lambda: self.settings, hash_key=KEY)
        return batch

    def wanted(self) -> list[str]:
        """The deliveries whose raw mail the fetcher was asked for, in order; each is told once."""
        rows = self.rows("DELETE FROM resolver.outbox WHERE topic = 'commands' RETURNING id, value")
        asked = [contracts.decode(bytes(value))[1] for _, value in sorted(rows)]
        assert {"fetch-again"} >= {one["kind"] for one in asked}
        return [one["object"].removeprefix("delivery/") for one in asked]

    def fetched(self, delivery: str, *, why: str = "") -> None:
        """Let the fetcher say that a raw mail was stored again, or why not, and carry out what follows."""
        value = {
            "id": str(uuid4()), "kind": "content-gone" if why else "content-stored", "object": f"delivery/{delivery}",
            "author": "fetcher", "reason": why, "time": NOON, "target": "", "onto": "", "address": "", "record": "",
            "only_this": False,
        }  # fmt: skip
        batch = Batch(self._inputs("commands", [contracts.encode("Command", value)]))
        with closing(Database(self.url, "resolver")) as database:
            carry_out(batch, database=database, settings=lambda: self.settings, hash_key=KEY)
        assert not batch.rejects
        self.jobs()

    def regardings(self) -> dict[str, list[tuple[str, str]]]:
        """What each mail is filed under: (TYPE/ID, source), in order, by the first part of its id."""
        rows = self.rows(
            "SELECT split_part(m.message_id, '@', 1), r.type || '/' || r.id, r.source FROM resolver.regarding r"
            " JOIN resolver.message m USING (message_key) WHERE r.until IS NULL ORDER BY 1, r.activity_id, r.position"
        )
        found: dict[str, list[tuple[str, str]]] = {}
        for name, record, source in rows:
            found.setdefault(name, []).append((record, source))
        return found

    def jobs(self) -> int:
        """Carry out all jobs, also those that follow from them; return how many there were."""
        with closing(Database(self.url, "resolver")) as database:
            worker = JobWorker(database, self.blobs, lambda: self.settings)
            done = 0
            while worker.step():
                done += 1
            return done

    def _inputs(self, topic: str, values: Sequence[bytes]) -> list[Input]:
        inputs = []
        for value in values:
            inputs.append(Input(topic, 0, self.offset, b"", value, {}))
            self.offset += 1
        return inputs

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Ask the database as an operator would."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(query.encode(), parameters).fetchall()

    def outcomes(self) -> dict[str, str]:
        """The current outcome of each message, by the first part of its id."""
        found = self.rows(
            "SELECT split_part(m.message_id, '@', 1), x.outcome FROM resolver.decision x"
            " JOIN resolver.delivery d ON d.id = x.delivery_id JOIN resolver.message m USING (message_key)"
            " WHERE x.current"
        )
        return dict(found)

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table that must not depend on how often records come; without time stamps."""
        return {t: sorted(self.rows(f"SELECT {c} FROM resolver.{t}"), key=repr) for t, c in STATE.items()}

    def events(self) -> list[dict[str, Any]]:
        """The activity events that wait in the outbox, in order."""
        rows = self.rows("SELECT value FROM resolver.outbox WHERE topic = 'activity-events' ORDER BY id")
        return [contracts.decode(bytes(value))[1] for (value,) in rows]


@pytest.fixture
def resolver(stack, migrated_in_stack: str, tmp_path: Path) -> Iterator[Resolver]:
    with opened(stack.config.postgres, migrated_in_stack, tmp_path) as one:
        yield one


@contextmanager
def opened(server: str, template: str, folder: Path) -> Iterator[Resolver]:
    """A resolver that knows Anna and Ben (users), Support (a queue, Ben's) and Kim (a contact)."""
    with created(server, template) as url:
        one = Resolver(url, BlobFolder(folder / "blobs"))
        one.directory(
            {"type": "user", "id": "anna", "addresses": ["anna@own.example"]},
            {"type": "user", "id": "ben", "addresses": ["ben@own.example"]},
            {
                "type": "queue",
                "id": "support",
                "addresses": ["support@own.example"],
                "owner": {"type": "user", "id": "ben"},
            },
            {"type": "contact", "id": "kim", "addresses": ["kim@customer.example"]},
        )
        yield one
