"""``mailweave mailbox list`` and ``show``: how mailboxes are read, where they stand, and what is wrong."""

from datetime import datetime
from typing import Any

import click
from psycopg import Connection

from services.cli import mailbox_words, session
from services.cli.mailbox_approval import approved_by, known_mailbox
from services.cli.output import emit, json_option, plural, printable, table
from services.cli.settings_changes import plain
from services.settings import publisher
from services.settings.permits import left_to_routers
from services.settings.snapshot import Snapshot
from services.storage.reports import mailbox_states, progress, routers
from services.storage.reports.activities import timestamp
from services.storage.reports.mailbox_states import Standing

LAST = 10  # transitions

Row = dict[str, Any]


@click.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """Print the mailboxes and where they stand, without their credentials."""
    config = session.config()
    snapshot = publisher.current(config.postgres)
    with session.reading(config) as connection:
        standings = mailbox_states.incoming(connection)
    lines = []
    for address, model in snapshot.mailboxes.items():
        m, standing = plain(model), standings.get(address)
        if as_json:
            emit({**m, "state": standing.phase if standing else None, "reason": standing.reason if standing else ""})
            continue
        state = mailbox_words.short(standing) if m["incoming"] == "sss" else m["incoming"]
        lines.append([address, m["serverProfile"] or "-", _owner(m), ", ".join(m["folders"]), state])
    if not as_json:
        table(["address", "server profile", "owner", "folders", "state"], lines, indent="")


@click.command("show")
@click.argument("address")
@json_option
def show_command(address: str, *, as_json: bool) -> None:
    """Print one mailbox: its settings, where each direction stands, its checks, its backlog and its history."""
    config = session.config()
    snapshot = publisher.current(config.postgres)
    mailbox = known_mailbox(snapshot, address)
    profile = snapshot.profile_of(mailbox.address)
    with session.reading(config) as connection:
        standing = mailbox_states.incoming(connection).get(mailbox.address)
        sending = mailbox_states.outgoing(connection).get(mailbox.address)
        checks = _checks(connection, mailbox.address)
        history = mailbox_states.transitions(connection, mailbox.address, LAST)
        router = routers.reader_of(connection, mailbox.address) if left_to_routers(snapshot) else None
    reader = mailbox_words.reader(left=left_to_routers(snapshot), router=router)
    past: list[Row] = [
        {"time": timestamp(t.time), "direction": t.direction, "from": t.from_phase, "to": t.to_phase,
         "reason": t.reason, "cause": t.cause, "settings_version": t.settings_version}
        for t in history
    ]  # fmt: skip
    settings = {
        **plain(mailbox),
        "server": plain(profile) if profile else None,
        "also_read": further_folders(snapshot, mailbox.address),
    }
    approval = approved_by(publisher.history(config.postgres, f"mailbox/{mailbox.address}"))
    receives = mailbox_words.receiving(snapshot, mailbox.address, standing)
    sends = mailbox_words.sending(snapshot, mailbox.address, sending)
    if as_json:
        methods = {name: settings[name] for name in ("incoming", "outgoing", "act")}
        incoming = {**_standing(standing), **checks, "words": receives, "read_by": reader, "history": past}
        outgoing = {**_standing(sending), "words": sends}
        emit({**settings, "methods": methods, "incoming": incoming, "outgoing": outgoing, "approval": approval})
        return
    _print_settings(settings, approval)
    click.echo(f"read by     {reader}")
    _print_incoming(receives, standing, checks)
    _print_outgoing(sends, sending)
    if past:
        click.echo("history")
        lines = [
            [_short(t["time"]), t["direction"], t["from"], t["to"], t["cause"], t["settings_version"]] for t in past
        ]
        table(["time", "direction", "from", "to", "cause", "settings"], lines)


def further_folders(snapshot: Snapshot, mailbox: str) -> list[str]:
    """Say in words what is read besides the mailbox's own folders, and which of it is not, and why."""
    profile = snapshot.profile_of(mailbox)
    if profile is None or profile.protocol == "pop3":
        return []
    organization = snapshot.organization
    off = "no: tracking.folderLevel is off"
    return [
        f"the Sent folder: {'yes' if organization.tracking_sent_items else 'no: tracking.sentItems is off'}",
        *(
            f"{rule.folder}, by folder-rule/{name}: "
            + ("no: the rule is disabled" if not rule.enabled else "yes" if organization.tracking_folder_level else off)
            for name, rule in sorted(snapshot.rules.items())
            if rule.mailbox == mailbox
        ),
    ]


def _checks(connection: Connection[Any], address: str) -> Row:
    """Return what the fetcher last said of the mailbox and its folders."""
    said = next((m for m in progress.mailboxes(connection) if m.mailbox == address), None)
    folders = [c for c in progress.cursors(connection) if c.mailbox == address]
    return {
        "last_check": timestamp(said.last_check) if said else None,
        "next_check": timestamp(said.next_check) if said else None,
        "last_error": said.last_error if said else None,
        "last_error_code": said.last_error_code if said else None,
        "backlog": sum(c.backlog for c in folders),
        "folders": [
            {"folder": c.folder, "uid": c.uid, "uidnext": c.uidnext, "backlog": c.backlog, "error": c.last_error}
            for c in folders
        ],
    }


def _standing(standing: Standing | None) -> Row:
    if standing is None:
        return {"state": None}
    return {
        "state": standing.phase, "reason": standing.reason, "cause": standing.cause,
        "since": timestamp(standing.since), "attempts": standing.attempts,
        "settings_version": standing.settings_version,
        "test": {"result": standing.test_result, "detail": standing.test_detail, "at": timestamp(standing.tested)},
    }  # fmt: skip


def _print_settings(settings: Row, approval: Row | None) -> None:
    server = settings["server"]
    place = f"{server['host']}:{server['port']} ({server['tls']})" if server else "no server profile"
    login = f"{place}, profile {settings['serverProfile']}, as {settings['user'] or settings['address']}"
    collects = [("forward", "a forward mailbox: it collects what others forward")]
    click.echo(f"{settings['address']}")
    for name, text in (
        ("server", login if settings["serverProfile"] else "none"),
        ("owner", _owner(settings)), ("folders", ", ".join(settings["folders"])),
        *(("also read", text) for text in settings["also_read"]),
        *(collects if settings["isForwardMailbox"] else []),
        ("enabled", "yes" if settings["enabled"] else "no"), ("approved", _approved(settings, approval)),
    ):  # fmt: skip
        click.echo(f"{name:<11} {printable(text)}")


def _approved(settings: Row, approval: Row | None) -> str:
    said = "yes" if settings["approved"] else "no"
    return f"{said}, by {approval['by']} at {_short(approval['at'])}" if approval else said


def _print_outgoing(sends: str, standing: Standing | None) -> None:
    for name, text in (
        ("outgoing", sends), ("to do", mailbox_words.to_do(standing)),
        ("last test", mailbox_words.test(standing) if standing else ""),
    ):  # fmt: skip
        if text:
            click.echo(f"{name:<11} {printable(text)}")


def _print_incoming(receives: str, standing: Standing | None, checks: Row) -> None:
    for name, text in (
        ("incoming", receives),
        ("since", _short(timestamp(standing.since)) if standing else ""),
        ("last check", _short(checks["last_check"])), ("next check", _short(checks["next_check"])),
        ("last error", checks["last_error"] or "none"), ("to do", mailbox_words.to_do(standing)),
        ("backlog", f"{plural(checks['backlog'], 'UID')}, as the server said last"),
        ("last test", mailbox_words.test(standing)),
    ):  # fmt: skip
        if text:
            click.echo(f"{name:<11} {printable(text)}")
    if checks["folders"]:
        lines = [[f["folder"], f["uid"], f["uidnext"], f["backlog"], f["error"] or ""] for f in checks["folders"]]
        table(["folder", "uid", "uidnext", "backlog", "error"], lines)


def _owner(settings: Row) -> str:
    owner = settings["owner"]
    return f"{owner['type']}:{owner['id']}" if owner else "-"


def _short(moment: str | None) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M:%S} UTC" if moment else "never"
