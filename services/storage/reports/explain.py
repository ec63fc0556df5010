"""Why each delivery of a message was decided as it was: the JSON of ``mailweave explain``."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, LiteralString, NotRequired, TypedDict
from uuid import UUID

from psycopg import Connection

from services.storage.reports import regardings, resolutions
from services.storage.reports.activities import DroppedAttachment, Ref, ref, timestamp
from services.storage.reports.reading import number, rows
from services.storage.reports.regardings import RegardingOf
from services.storage.reports.relinks import Relink, history
from services.storage.reports.resolutions import Resolution


class Piece(TypedDict):
    """
    One thing that was looked at: what it pointed to, whether it counted, and why.

    ``cls``: the strength class of evidence, ``N`` for what spoke against a link; ``source``: header, subject,
    content or person. Both are absent for other things.
    """

    kind: str
    value: str
    points_to: str | None
    counts: bool
    why: str
    cls: NotRequired[str]
    source: NotRequired[str]


class Question(TypedDict):
    """What a decision asks a person: whether the mail belongs to this message. ``state``: open, superseded, …"""

    kind: str
    message_id: str | None
    confidence: float
    why: str
    state: str


class Asked(TypedDict):
    """Who has asked for a mail to be decided again, when and why."""

    author: str
    reason: str
    time: str | None


class DecisionOf(TypedDict):
    """
    One decision, current or earlier. ``outcome`` is ``accepted`` or a reason code.

    ``receiving_mailbox``: for whom a mail in a forward mailbox was forwarded; null for other mail. ``rule``: the line
    of the rule table that decided; ``effect``: starts, joins or branches; not ``verified``: linked, nothing follows.
    ``asked``: who had it decided again, if a person had. ``kind``: what kind of mail it is; empty for what was
    decided before kinds were told apart. ``forgotten_at``: since when the evidence of a rejection is forgotten.
    """

    outcome: str
    kind: str
    receiving_mailbox: str | None
    accepted_by: Ref | None
    activity_id: str | None
    method: str
    rule: str
    confidence: float
    effect: str
    verified: bool
    reviews: list[Question]
    evidence: list[Piece]
    settings_version: int
    graph_version: int
    code_version: str
    decided_at: str | None
    cause: str
    asked: Asked | None
    forgotten_at: str | None


class Explained(TypedDict):
    """A delivery with its current decision (nulls while there is none) and the earlier ones, newest first."""

    id: str
    mailbox: str
    folder: str
    uidvalidity: int | None
    uid: int | None
    direction: str
    outcome: str | None
    kind: str | None
    receiving_mailbox: str | None
    accepted_by: Ref | None
    activity_id: str | None
    method: str | None
    rule: str | None
    confidence: float | None
    effect: str | None
    verified: bool | None
    reviews: list[Question]
    evidence: list[Piece]
    settings_version: int | None
    graph_version: int | None
    code_version: str | None
    decided_at: str | None
    cause: str | None
    asked: Asked | None
    forgotten_at: str | None
    history: list[DecisionOf]


class Requested(TypedDict):
    """That the CRM was asked to make a record for the sender, and when."""

    id: str
    type: str
    time: str | None


class Explanation(TypedDict):
    """
    One message identity: two of them with one Message-ID are flagged. ``repairs``: what the parser mended.

    ``relinks``: what people have said of what it belongs to, ``resolutions`` of who its addresses are. ``regardings``:
    what it is and was filed under, the first first. ``record_request``: for its sender. ``dropped_attachments``: which
    parts of it are left out.
    """

    message_id: str | None
    thread_id: str
    flagged: bool
    subject: str | None
    repairs: list[str]
    relinks: list[Relink]
    resolutions: list[Resolution]
    record_request: Requested | None
    regardings: list[RegardingOf]
    dropped_attachments: list[DroppedAttachment]
    deliveries: list[Explained]


@dataclass(frozen=True, slots=True)
class Traces:
    """What is known of an id under which no message was decided."""

    pointed_at_by: int
    correlated: bool
    dead_letters: tuple[str, ...]


_MESSAGES: LiteralString = """
    SELECT m.message_key, m.message_id, t.thread AS root, m.flagged,
           (SELECT a.subject FROM resolver.activity a WHERE a.message_key = m.message_key
             ORDER BY a.direction LIMIT 1) AS subject,
           (SELECT a.repairs FROM resolver.activity a WHERE a.message_key = m.message_key
             ORDER BY a.direction LIMIT 1) AS repairs,
           (SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('name', t.name, 'type', t.type, 'size', t.size,
                                                                  'sha256', encode(t.sha256, 'hex'),
                                                                  'reason', t.reason, 'detail', t.detail)), '[]')
              FROM resolver.activity a JOIN resolver.dropped_attachment t ON t.activity_id = a.id
             WHERE a.message_key = m.message_key) AS dropped
      FROM resolver.message m JOIN resolver.message_thread t ON t.message_key = m.message_key
     WHERE m.id_key = %(id_key)s ORDER BY m.message_key
"""
_DELIVERIES: LiteralString = """
    SELECT * FROM resolver.delivery WHERE message_key = %(message)s
     ORDER BY mailbox, folder, uidvalidity, uid, id
"""
_DECISIONS: LiteralString = """
    SELECT d.*, q.author, q.reason, q.asked, (
        SELECT coalesce(jsonb_agg(jsonb_build_object('kind', r.kind, 'message_id', m.message_id,
                                                     'confidence', r.confidence, 'why', r.why, 'state', r.state)
               ORDER BY r.kind, r.confidence DESC, r.target), '[]')
          FROM resolver.review r LEFT JOIN resolver.message m ON m.message_key = r.target
         WHERE r.delivery_id = d.delivery_id AND r.version = d.version) AS reviews
      FROM resolver.decision d JOIN resolver.delivery v ON v.id = d.delivery_id
      LEFT JOIN resolver.redecision q ON q.id = d.redecision
     WHERE v.message_key = %(message)s ORDER BY d.delivery_id, d.version DESC
"""


def _decision(row: dict[str, Any]) -> DecisionOf:
    return DecisionOf(
        outcome=row["outcome"],
        kind=row["kind"],
        receiving_mailbox=row["receiving"],
        accepted_by=ref(row["accepted_type"], row["accepted_id"]),
        activity_id=str(row["activity_id"]) if row["activity_id"] else None,
        method=row["method"],
        rule=row["rule"],
        confidence=row["confidence"],
        effect=row["effect"],
        verified=row["verified"],
        reviews=row["reviews"],
        evidence=row["evidence"],
        settings_version=row["settings_version"],
        graph_version=row["graph_version"],
        code_version=row["code_version"],
        decided_at=timestamp(row["decided"]),
        cause=row["cause"],
        asked=Asked(author=row["author"], reason=row["reason"], time=timestamp(row["asked"])) if row["asked"] else None,
        forgotten_at=timestamp(row["forgotten"]),
    )


def _explained(delivery: dict[str, Any], decisions: Iterable[dict[str, Any]]) -> Explained:
    own = [d for d in decisions if d["delivery_id"] == delivery["id"]]
    current = next((_decision(d) for d in own if d["current"]), None)
    return Explained(
        id=str(delivery["id"]),
        mailbox=delivery["mailbox"],
        folder=delivery["folder"],
        uidvalidity=delivery["uidvalidity"],
        uid=delivery["uid"],
        direction=delivery["direction"],
        outcome=current["outcome"] if current else None,
        kind=current["kind"] if current else None,
        receiving_mailbox=current["receiving_mailbox"] if current else None,
        accepted_by=current["accepted_by"] if current else None,
        activity_id=current["activity_id"] if current else None,
        method=current["method"] if current else None,
        rule=current["rule"] if current else None,
        confidence=current["confidence"] if current else None,
        effect=current["effect"] if current else None,
        verified=current["verified"] if current else None,
        reviews=current["reviews"] if current else [],
        evidence=current["evidence"] if current else [],
        settings_version=current["settings_version"] if current else None,
        graph_version=current["graph_version"] if current else None,
        code_version=current["code_version"] if current else None,
        decided_at=current["decided_at"] if current else None,
        cause=current["cause"] if current else None,
        asked=current["asked"] if current else None,
        forgotten_at=current["forgotten_at"] if current else None,
        history=[_decision(d) for d in own if not d["current"]],
    )


def explain(connection: Connection[Any], id_key: UUID) -> list[Explanation]:
    """Return what is known of every message identity under the keyed hash of a canonical id; empty when none."""
    found = []
    said = history(connection, id_key)
    for message in rows(connection, _MESSAGES, {"id_key": id_key}):
        key = {"message": message["message_key"]}
        decisions = rows(connection, _DECISIONS, key)
        found.append(
            Explanation(
                message_id=message["message_id"],
                thread_id=str(message["root"]),
                flagged=message["flagged"],
                subject=message["subject"],
                repairs=message["repairs"] or [],
                relinks=said,
                resolutions=resolutions.history(connection, message["message_key"]),
                record_request=_requested(connection, message["message_key"]),
                regardings=regardings.history(connection, message["message_key"]),
                dropped_attachments=message["dropped"],
                deliveries=[_explained(d, decisions) for d in rows(connection, _DELIVERIES, key)],
            )
        )
    return found


def _requested(connection: Connection[Any], message: UUID) -> Requested | None:
    query: LiteralString = "SELECT id, type, asked FROM resolver.record_request WHERE message_key = %(message)s"
    for row in rows(connection, query, {"message": message}):
        return Requested(id=str(row["id"]), type=row["type"], time=timestamp(row["asked"]))
    return None


def traces(connection: Connection[Any], id_key: UUID, message_id: str) -> Traces:
    """Return what the earlier stages know of an id that the resolver does not know."""
    key: dict[str, object] = {"id_key": id_key, "key": message_id.encode("utf-8", "surrogatepass")}
    pointing = "SELECT count(DISTINCT child) FROM correlator.edge WHERE target = %(id_key)s"
    seen = "SELECT count(*) FROM correlator.message WHERE id_key = %(id_key)s"
    dead = """SELECT topic, "partition", "offset", code, detail FROM correlator.dead_letter
               WHERE key = %(key)s AND state = 'open' ORDER BY failed"""
    letters = (
        f"{r['topic']}/{r['partition']}/{r['offset']}: {r['code']}, {r['detail']}" for r in rows(connection, dead, key)
    )
    return Traces(number(connection, pointing, key), number(connection, seen, key) > 0, tuple(letters))
