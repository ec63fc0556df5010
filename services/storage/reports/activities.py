"""Activities as other tools read them: the JSON of ``mailweave activities``, and the same by conversation."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, LiteralString, TypedDict
from uuid import UUID

from psycopg import Connection

from services.storage.reports.reading import stream


class Ref(TypedDict):
    """Names a directory record."""

    type: str
    id: str


class Regarding(Ref):
    """A record that an activity hangs off, and where that came from: manual, folder or correlated."""

    source: str


class RegardingSince(Regarding):
    """
    The same with since when, by whom and why.

    ``author``: the person, or the mailbox of the folder. ``why``: the person's reason, the key of the folder's rule, or
    the id of the activity that is answered.
    """

    author: str
    why: str
    since: str


class Correlation(TypedDict):
    """
    What an activity answers, and how that was found; method None when it answers nothing that is tracked.

    ``branch``: its subject has changed and it quotes nothing. Not ``verified``: the sender does not belong to it.
    """

    method: str
    activity_id: str | None
    message_id: str | None
    subject_changed: bool
    branch: bool
    verified: bool


class Party(TypedDict):
    """A participant; no records means that the address is unresolved."""

    role: str
    address: str
    name: str
    records: list[Ref]


class Place(TypedDict):
    """
    Where a delivery lies; one that did not come by IMAP has no UID.

    ``receiving_mailbox``: for whom a mail in a forward mailbox was forwarded; null for other mail.
    """

    mailbox: str
    folder: str
    uidvalidity: int | None
    uid: int | None
    receiving_mailbox: str | None


class Attachment(TypedDict):
    """A part that a person would save; an ``inline`` one is shown in the HTML text, which names it by its id."""

    name: str
    type: str
    size: int
    sha256: str
    inline: bool
    content_id: str


class DroppedAttachment(TypedDict):
    """A part of the mail that is no attachment. ``detail``: the blocked extension, or the largest size in KB."""

    name: str
    type: str
    size: int
    sha256: str
    reason: str
    detail: str


class Report(TypedDict):
    """What became of the mail for one recipient, as a server (bounce, feedback) or its reader (receipt) has told."""

    kind: str
    address: str
    action: str
    status: str
    detail: str


class Activity(TypedDict):
    """
    One object of ``mailweave activities --json``. Other tools rely on these fields.

    ``regardings`` is everything that it hangs off, the most important first; ``regarding`` is that one.
    """

    id: str
    direction: str
    message_id: str | None
    thread_id: str
    parent_activity_id: str | None
    correlation: Correlation
    subject: str
    sent_at: str | None
    parties: list[Party]
    regarding: Regarding | None
    regardings: list[RegardingSince]
    owner: Ref | None
    accepted_by: Ref | None
    deliveries: list[Place]
    attachments: list[Attachment]
    dropped_attachments: list[DroppedAttachment]
    kind: str
    reports: list[Report]


# The lists are put together by the server, one row per activity: a client-side join would need them all at once.
_FIELDS: LiteralString = """
    a.*, m.message_id, om.message_id AS correlated_message_id,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('role', p.role, 'address', p.address, 'name', p.name,
                                                  'records', p.records)
            ORDER BY array_position(ARRAY['from', 'to', 'cc', 'bcc', 'owner'], p.role), p.position), '[]')
       FROM resolver.party p WHERE p.activity_id = a.id) AS parties,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('mailbox', v.mailbox, 'folder', v.folder,
                                                  'uidvalidity', v.uidvalidity, 'uid', v.uid,
                                                  'receiving_mailbox', d.receiving)
            ORDER BY v.mailbox, v.folder, v.uidvalidity, v.uid, v.id), '[]')
       FROM resolver.delivery v JOIN resolver.decision d ON d.delivery_id = v.id AND d.current
      WHERE v.message_key = ANY (ARRAY(
                SELECT a.message_key UNION ALL
                SELECT j.message_key FROM resolver.joined j
                 WHERE j.elder = a.message_key AND j.direction = a.direction))
        AND d.activity_id = a.id AND d.outcome = 'accepted') AS deliveries,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('name', t.name, 'type', t.type, 'size', t.size,
                                                  'sha256', encode(t.sha256, 'hex'), 'inline', t.inline,
                                                  'content_id', t.content_id)
            ORDER BY length(t.path), t.path), '[]')
       FROM resolver.attachment t WHERE t.activity_id = a.id) AS attachments,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('name', t.name, 'type', t.type, 'size', t.size,
                                                  'sha256', encode(t.sha256, 'hex'), 'reason', t.reason,
                                                  'detail', t.detail)
            ORDER BY length(t.path), t.path), '[]')
       FROM resolver.dropped_attachment t WHERE t.activity_id = a.id) AS dropped_attachments,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', r.kind, 'address', r.address, 'action', r.action,
                                                  'status', r.status, 'detail', r.detail)
            ORDER BY r.noted, r.message_key, r.address), '[]')
       FROM resolver.report r WHERE r.activity_id = a.id) AS reports,
    CASE WHEN a.regarding_id IS NULL THEN '[]' ELSE (
     SELECT coalesce(jsonb_agg(jsonb_build_object('type', g.type, 'id', g.id, 'source', g.source, 'author', g.author,
                                                  'why', g.why, 'since', to_char(g.since AT TIME ZONE 'UTC',
                                                                                 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
            ORDER BY g.position), '[]')
       FROM resolver.regarding g WHERE g.activity_id = a.id AND g.until IS NULL) END AS regardings
"""

_JOINS: LiteralString = """
    JOIN resolver.message m ON m.message_key = a.message_key
    LEFT JOIN resolver.activity o ON o.id = a.correlated
    LEFT JOIN resolver.message om ON om.message_key = o.message_key
"""

_COLUMNS: LiteralString = """
    x.id, x.message_key, x.direction, x.subject, x.sent_at, x.method, x.correlated, x.parent, x.regarding_type,
    x.regarding_id, x.regarding_source, x.owner_type, x.owner_id, x.accepted_type, x.accepted_id, x.subject_changed,
    x.branch, x.verified, x.kind
"""

# The rows are sorted before anything is looked up for them, so the first answer does not wait for all look-ups.
_BY_TIME: LiteralString = f"""
    SELECT {_FIELDS},
           (SELECT t.thread FROM resolver.message_thread t WHERE t.message_key = a.message_key) AS root
      FROM (SELECT {_COLUMNS} FROM resolver.activity x ORDER BY x.sent_at, x.id) a {_JOINS}
     ORDER BY a.sent_at, a.id
"""  # noqa: S608 - put together from constants
_BY_ID: LiteralString = f"""
    SELECT {_FIELDS},
           (SELECT t.thread FROM resolver.message_thread t WHERE t.message_key = a.message_key) AS root
      FROM (SELECT {_COLUMNS}, given.place FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS given (id, place)
              JOIN resolver.activity x ON x.id = given.id) a {_JOINS}
     ORDER BY a.place
"""  # noqa: S608
_BY_THREAD: LiteralString = f"""
    SELECT {_FIELDS}, min(a.sent_at) OVER (PARTITION BY a.root) AS began
      FROM (SELECT {_COLUMNS}, t.thread AS root FROM resolver.activity x
              JOIN resolver.message_thread t ON t.message_key = x.message_key) a {_JOINS}
     ORDER BY began, a.root, a.sent_at, a.id
"""  # noqa: S608


def timestamp(moment: datetime | None) -> str | None:
    """Return a moment in the one form that answers use: ISO 8601 in UTC with a Z."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def ref(kind: str | None, name: str | None) -> Ref | None:
    """Return a record's name, or None when there is none."""
    return Ref(type=kind, id=name) if kind is not None and name is not None else None


def _text(value: UUID | None) -> str | None:
    return str(value) if value is not None else None


def _correlation(row: dict[str, Any]) -> Correlation:
    return Correlation(
        method=row["method"],
        activity_id=_text(row["correlated"]),
        message_id=row["correlated_message_id"],
        subject_changed=row["subject_changed"],
        branch=row["branch"],
        verified=row["verified"],
    )


def _regarding(row: dict[str, Any]) -> Regarding | None:
    if row["regarding_type"] is None:
        return None
    return Regarding(type=row["regarding_type"], id=row["regarding_id"], source=row["regarding_source"] or "")


def _activity(row: dict[str, Any]) -> Activity:
    return Activity(
        id=str(row["id"]),
        direction=row["direction"],
        message_id=row["message_id"],
        thread_id=str(row["root"]),
        parent_activity_id=_text(row["parent"]),
        correlation=_correlation(row),
        subject=row["subject"],
        sent_at=timestamp(row["sent_at"]),
        parties=row["parties"],
        regarding=_regarding(row),
        regardings=row["regardings"],
        owner=ref(row["owner_type"], row["owner_id"]),
        accepted_by=ref(row["accepted_type"], row["accepted_id"]),
        deliveries=row["deliveries"],
        attachments=row["attachments"],
        dropped_attachments=row["dropped_attachments"],
        kind=row["kind"],
        reports=row["reports"],
    )


def by_time(connection: Connection[Any]) -> Iterator[Activity]:
    """Yield every activity in the order of ``sent_at`` and id, streamed. Needs a :func:`snapshot`."""
    return map(_activity, stream(connection, "activities", _BY_TIME))


def by_id(connection: Connection[Any], ids: Sequence[UUID]) -> Iterator[Activity]:
    """Yield these activities in the order of the ids, streamed; one that is no more is left out."""
    return map(_activity, stream(connection, "some_activities", _BY_ID, {"ids": list(ids)}))


def by_thread(connection: Connection[Any]) -> Iterator[list[Activity]]:
    """Yield one list per conversation, the one that began first first, each in the order of time."""
    every = map(_activity, stream(connection, "conversations", _BY_THREAD))
    for _, group in groupby(every, key=itemgetter("thread_id")):
        yield list(group)
