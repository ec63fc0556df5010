"""Runs the cases of ``tests/golden/attacks`` through the resolver and says what became of each mail."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from services import mime
from services.domain.identity import identity, keyed_hash
from services.domain.token_evidence import verified
from services.domain.tracking_token import key
from services.resolver.policy import settings_of
from services.settings.snapshot import EMPTY, apply
from tests.component.resolver.conftest import KEY, NOON, TOKEN_KEYS, Resolver

CASES = Path(__file__).parents[2] / "golden" / "attacks"


@dataclass(frozen=True)
class Case:
    """One attack or failure: mails in the order in which they come, and what must become of them."""

    folder: Path
    said: Mapping[str, Any] = field(repr=False)

    @property
    def mails(self) -> dict[str, bytes]:
        """The mails by name, each once."""
        return {one["mail"]: (self.folder / f"{one['mail']}.eml").read_bytes() for one in self.said["mails"]}

    def keys(self) -> dict[UUID, str]:
        """The names of the mails by message; copies of one message have the name of the first."""
        names: dict[UUID, str] = {}
        for name, raw in self.mails.items():
            names.setdefault(keyed_hash(KEY, "message", str(identity(mime.parse(raw)))), name)
        return names


def cases() -> list[Case]:
    """Return all cases."""
    return [Case(file.parent, json.loads(file.read_bytes())) for file in sorted(CASES.glob("*/case.json"))]


def run(case: Case, resolver: Resolver) -> None:
    """Have the mails of a case come in one after the other, all jobs done between them."""
    resolver.settings = settings_of(apply(EMPTY, "organization", 1, case.said.get("settings", {})))
    with psycopg.connect(resolver.url) as connection:
        for token in case.said.get("issued", ()):
            connection.execute("INSERT INTO resolver.issued_token VALUES (%s) ON CONFLICT DO NOTHING", (key(token),))
    mails = case.mails
    for hour, one in enumerate(case.said["mails"]):
        place = {"mailbox": one["mailbox"], "folder": one.get("folder", "INBOX"), "hour": hour}
        resolver.resolve(resolver.record(mails[one["mail"]], **place))
        resolver.jobs()
        if "filed" in one:
            _file(resolver, mails[one["mail"]], *one["filed"].split("/"))


def _file(resolver: Resolver, raw: bytes, kind: str, name: str) -> None:
    message = keyed_hash(KEY, "message", str(identity(mime.parse(raw))))
    ((activity,),) = resolver.rows("SELECT id FROM resolver.activity WHERE message_key = %s", message)
    resolver.regarding(f"{kind}/{name}", object=f"activity/{activity}")
    resolver.jobs()


def became(case: Case, resolver: Resolver) -> dict[str, dict[str, Any]]:
    """Return, by the name of each mail, everything that a case may say about it."""
    keys = case.keys()
    forged = {n: verified(mime.parse(raw), TOKEN_KEYS, at=NOON).forged for n, raw in case.mails.items()}
    found: dict[str, dict[str, Any]] = {}
    for row in resolver.rows(
        "SELECT m.message_key, x.method, x.correlated, x.outcome, x.verified, x.effect, m.flagged, x.delivery_id::text,"
        " (SELECT a.regarding_type || '/' || a.regarding_id FROM resolver.activity a WHERE a.id = x.activity_id),"
        " ARRAY(SELECT r.kind FROM resolver.review r"
        "  WHERE r.delivery_id = x.delivery_id AND r.version = x.version ORDER BY 1)"
        " FROM resolver.decision x JOIN resolver.delivery d ON d.id = x.delivery_id"
        " JOIN resolver.message m USING (message_key) WHERE x.current AND m.message_key = ANY(%s)"
        " ORDER BY d.internal_date",
        list(keys),
    ):
        found.setdefault(
            keys[row[0]],
            {
                "method": row[1],
                "target": keys.get(row[2]),
                "outcome": row[3],
                "verified": row[4],
                "effect": row[5],
                "flagged": row[6],
                "regarding": row[8],
                "reviews": row[9],
                "alerts": _alerts(resolver, row[7]),
                "forged": forged[keys[row[0]]],
            },
        )
    return found


def _alerts(resolver: Resolver, delivery_id: str) -> list[str]:
    rows = resolver.rows("SELECT convert_from(key, 'UTF8'), value FROM resolver.outbox WHERE topic = 'alert-signals'")
    codes = {named.split("|")[1] for named, value in rows if re.search(delivery_id.encode(), bytes(value))}
    return sorted(codes)


def counted(case: Case, resolver: Resolver) -> dict[str, Any]:
    """Return what a case may say about all its mails together."""
    rows = resolver.rows(
        "SELECT message_key, direction FROM resolver.delivery WHERE message_key = ANY(%s)", list(case.keys())
    )
    return {
        "messages": len(Counter(key for key, _ in rows)),
        "deliveries": len(rows),
        "directions": sorted({way for _, way in rows}),
    }
