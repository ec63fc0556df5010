"""``mailweave explain --not RECORD``: what would have had to be true for a record, in words and JSON."""

from collections.abc import Iterator
from typing import Any

import click
from psycopg import Connection

from services.cli import sentences
from services.cli.output import emit, printable
from services.domain.acceptance import Outcome
from services.domain.correlation import Looked
from services.domain.directory import RecordRef
from services.domain.errors import Refused
from services.domain.identity import Direction, keyed_hash
from services.domain.why_not.answers import why_not
from services.domain.why_not.evidence import ids, pieces
from services.domain.why_not.facts import Answer, Asked, Kept
from services.resolver.policy import settings_of
from services.runtime.config import Config
from services.settings import publisher
from services.settings.snapshot import Snapshot
from services.storage.reports import why_not as stored
from services.storage.reports.explain import Explained, Explanation


def _asked(connection: Connection[Any], ref: RecordRef, snapshot: Snapshot) -> Asked:
    """Return what is known of a record today; ``Refused`` when nothing here knows it."""
    settings = settings_of(snapshot)
    listed = stored.listed(connection, ref)
    mailboxes = tuple(sorted(address for address, owner in settings.mailbox_owners.items() if owner == ref))
    folders = tuple(
        f"{rule.mailbox}, {rule.folder}"
        for _, rule in sorted(snapshot.rules.items())
        if rule.enabled
        and rule.regarding is not None
        and (rule.regarding.type, rule.regarding.id) == (ref.type, ref.id)
    )
    if listed.active is None and not mailboxes and not folders and not stored.is_used(connection, ref):
        raise Refused(
            f"nothing here knows {printable(f'{ref.type}/{ref.id}')}: neither the directory, nor the settings, nor any"
            " mail. `mailweave activities --json` shows records as type and id."
        )
    return Asked(
        ref=ref,
        active=listed.active,
        addresses=listed.addresses,
        mailboxes=mailboxes,
        folders=folders,
        scope=settings.policy.scope,
    )


def tell(
    config: Config, connection: Connection[Any], found: list[Explanation], ref: RecordRef, *, as_json: bool
) -> None:
    """
    Print for each delivery what would have had to be true; of one that is not decided yet, only that.

    So of a rejection that is forgotten: an answer would be guessed.
    """
    asked = _asked(connection, ref, publisher.current(config.postgres))
    for message, delivery in _deliveries(found):
        told = delivery["outcome"] is not None and delivery["forgotten_at"] is None
        answers = why_not(_kept(connection, delivery, config.hash_key), asked) if told else ()
        if as_json:
            emit({**_place(message, delivery), "record": {"type": asked.ref.type, "id": asked.ref.id},
                  "answers": [_plain(one) for one in answers]})  # fmt: skip
        else:
            click.echo(f"{sentences.place(delivery)} ({delivery['direction']})")
            click.echo(f"  {sentences.outcome(delivery)}")
            if delivery["forgotten_at"]:
                click.echo(f"  {sentences.FORGOTTEN.format(at=delivery['forgotten_at'])}")
            for one in answers:
                click.echo(f"  {'Is' if one.holds else 'Not'} {one.place}:")
                for line in one.sentences:
                    click.echo(printable(f"    - {line}"))


def _deliveries(found: list[Explanation]) -> Iterator[tuple[Explanation, Explained]]:
    for message in found:
        for delivery in message["deliveries"]:
            yield message, delivery


def _place(message: Explanation, of: Explained) -> dict[str, object]:
    return {
        "message_id": message["message_id"], "mailbox": of["mailbox"], "folder": of["folder"], "uid": of["uid"],
        "outcome": of["outcome"], "forgotten_at": of["forgotten_at"],
    }  # fmt: skip


def _plain(one: Answer) -> dict[str, object]:
    return {"place": str(one.place), "holds": one.holds, "sentences": list(one.sentences)}


def _kept(connection: Connection[Any], of: Explained, key: bytes) -> Kept:
    looked = tuple(
        Looked(p["kind"], p["value"], p["points_to"], p["counts"], p["why"], p.get("cls", ""), p.get("source", ""))
        for p in of["evidence"]
    )
    activity = stored.activity(connection, of["activity_id"])
    answered = next((ids(one)[0] for one in pieces(looked) if one.counts and ids(one)), None)
    if activity is not None:
        answered = activity.answers
    names = {name for one in pieces(looked) for name in ids(one)} | ({answered} if answered else set())
    acceptor = of["accepted_by"]
    return Kept(
        outcome=Outcome(of["outcome"] or ""),
        direction=Direction(of["direction"]),
        mailbox=of["receiving_mailbox"] or of["mailbox"],
        acceptor=RecordRef(acceptor["type"], acceptor["id"]) if acceptor else None,
        looked=looked,
        verified=bool(of["verified"]),
        answers=answered,
        pointed=stored.pointed(connection, (keyed_hash(key, "id", name) for name in names)),
        filed=activity.filed if activity else None,
    )
