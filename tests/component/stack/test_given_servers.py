"""Addresses of existing servers: they are used, not started, and asked whether they work."""

import socket
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from services.cli import stack as local
from services.cli.stack_commands import stack as commands

pytestmark = pytest.mark.component


def test_given_servers_are_not_started(servers, surroundings, home):
    """A second home on the servers of the first starts nothing and says where they are."""
    names = ("MAILWEAVE_KAFKA", "MAILWEAVE_POSTGRES", "MAILWEAVE_REDIS", "MAILWEAVE_IMAP")
    given = {name: servers.variables[name] for name in names}

    used = local.up(home, environ={**surroundings, **given})

    assert {"given"} == {row.state for row in local.status(home)}
    assert given == {name: used.variables[name] for name in names}
    password = urlsplit(given["MAILWEAVE_POSTGRES"]).password
    assert password
    assert password not in str(local.status(home))


def test_taking_a_home_down_leaves_given_servers_alone(servers, surroundings, home):
    local.up(home, environ={**surroundings, "MAILWEAVE_REDIS": servers.variables["MAILWEAVE_REDIS"]}, only=["valkey"])

    local.down(home)

    assert "running" == {row.name: row.state for row in local.status(servers.home)}["valkey"]


@pytest.mark.parametrize(
    ("variable", "server", "form"),
    [
        ("MAILWEAVE_KAFKA", "kafka", "127.0.0.1:{}"),
        ("MAILWEAVE_POSTGRES", "postgres", "postgresql://ann:hidden@127.0.0.1:{}/crm"),
        ("MAILWEAVE_REDIS", "valkey", "redis://:hidden@127.0.0.1:{}/0"),
        ("MAILWEAVE_IMAP", "dovecot", "127.0.0.1:{}"),
        ("MAILWEAVE_IMAP", "dovecot", "no address at all"),
    ],
    ids=["kafka", "postgres", "redis", "imap", "malformed"],
)
def test_a_given_server_that_does_not_answer_is_named(surroundings, home, variable, server, form):
    """The error says which variable, which address and what to do, and shows no password."""
    with socket.socket() as bound:  # bound but not listening: it refuses
        bound.bind(("127.0.0.1", 0))
        given = {**surroundings, variable: form.format(bound.getsockname()[1])}

        with pytest.raises(local.StackError) as failure:
            local.up(home, environ=given, only=[server])

    text = str(failure.value)
    assert f"{variable} is set to" in text
    assert f"unset {variable}" in text
    assert "hidden" not in text


def test_the_command_ends_with_2_and_without_traceback(home):
    """`stack up` with a dead address is refused in one readable paragraph."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{bound.getsockname()[1]}"
        given = dict.fromkeys(("MAILWEAVE_KAFKA", "MAILWEAVE_IMAP"), dead)
        database = {"MAILWEAVE_POSTGRES": f"postgresql://x@{dead}/x", "MAILWEAVE_REDIS": f"redis://{dead}"}

        done = CliRunner().invoke(commands, ["up"], env={"MAILWEAVE_HOME": str(home), **given, **database})

    assert 2 == done.exit_code
    assert done.output.startswith("Error: ")
    assert "Traceback" not in done.output
    assert not (home / "stack.env").exists()
