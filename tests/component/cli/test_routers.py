"""Routers through the command line: tokens that are shown once, and what is known of whoever shows them."""

from datetime import UTC, datetime

import pytest

from services.storage import postgres, router_tokens

pytestmark = pytest.mark.component

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)


def router_of(desk, token):
    with postgres.connect(desk.config.postgres, "fetcher") as connection:
        return router_tokens.router_of(connection, token)


def test_a_token_is_shown_once_replaced_only_when_asked_and_revoked(desk):
    made = desk.run("router", "token", "create", "berlin")
    token = made.stdout.strip()
    assert (0, "berlin") == (made.exit_code, router_of(desk, token))
    stored = desk.owner.execute("SELECT t::text FROM settings.router_token t").fetchall()
    assert token.partition(".")[2] not in str(stored)
    assert token not in desk.run("router", "token", "list").stdout + desk.run("router", "list", "--json").stdout

    again = desk.run("router", "token", "create", "berlin")
    assert (2, True, "berlin") == (again.exit_code, "--replace" in again.stderr, router_of(desk, token))
    other = desk.run("router", "token", "create", "berlin", "--replace").stdout.strip()
    assert (None, "berlin") == (router_of(desk, token), router_of(desk, other))

    assert 0 == desk.run("router", "token", "revoke", "berlin").exit_code
    assert router_of(desk, other) is None
    assert 2 == desk.run("router", "token", "revoke", "berlin").exit_code
    (listed,) = desk.json("router", "token", "list")
    assert listed["revoked"]
    assert "berlin" == router_of(desk, desk.run("router", "token", "create", "berlin").stdout.strip())


@pytest.mark.parametrize("name", ["Berlin", "", "-x", "a b", "any", "r" * 64, "a.b", "ü"])
def test_a_name_that_is_none_is_refused(desk, name):
    assert 2 == desk.run("router", "token", "create", "--", name).exit_code


def test_a_router_is_listed_with_when_it_was_heard_and_what_it_reads(desk, insert):
    desk.run("router", "token", "create", "berlin")
    insert("fetcher.router", router="berlin", heard=AT, needed=AT, silent=True)
    insert("fetcher.router", router="", needed=AT)
    insert("fetcher.router", router="gone", heard=AT)
    insert("fetcher.mailbox", mailbox="a@x.org", router="berlin")

    berlin, gone = desk.json("router", "list")
    assert {
        "router": "berlin",
        "token": "good",
        "lastHeard": "2026-11-28T12:00:00Z",
        "silent": True,
        "mailboxes": 1,
    } == (berlin)
    assert ("gone", "none", False, 0) == (gone["router"], gone["token"], gone["silent"], gone["mailboxes"])
    assert "2026-11-28 12:00:00 UTC  missed" in desk.run("router", "list").stdout


def test_a_mailbox_of_a_router_is_added_without_a_password(desk):
    def add(*how):
        return desk.run("mailbox", "add", "a@x.org", "--imap", "imap.x.org", "--user", "a", *how)

    assert 2 == add("--router", "Berlin").exit_code
    assert 2 == add("--router", "berlin", "--credential", "c").exit_code
    assert 2 == add().exit_code
    added = add("--router", "berlin")
    assert (0, True) == (added.exit_code, "by the router berlin" in added.stdout)

    (shown,) = desk.json("mailbox", "show", "a@x.org")
    assert ("imap.x.org-993-implicit-berlin", "berlin") == (shown["serverProfile"], shown["server"]["router"])
    assert "the fetcher" == shown["incoming"]["read_by"]
    desk.run("settings", "set", "organization", "processing.engine=router")
    assert "left to the router; none has come yet" in desk.run("mailbox", "show", "a@x.org").stdout
