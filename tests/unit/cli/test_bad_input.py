"""Bad input is refused in plain words with exit code 2, before anything is asked or published."""

import base64
import json

import pytest
from click.testing import CliRunner

from services.cli.credential_file import password_in
from services.cli.mailbox_commands import host_and_port, profile_for
from services.cli.main import cli
from services.cli.settings_changes import plain
from services.cli.settings_commands import merged
from services.cli.settings_files import read_file
from services.domain.errors import Refused
from services.settings.models import validate
from services.settings.snapshot import EMPTY, apply

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def run(tmp_path):
    """The command line with servers that do not exist: whatever reaches for them fails with exit code 1."""
    environ = {
        "MAILWEAVE_HOME": str(tmp_path / "home"),
        "MAILWEAVE_KAFKA": NOWHERE,
        "MAILWEAVE_POSTGRES": f"postgresql://mailweave:secret@{NOWHERE}/mailweave",
        "MAILWEAVE_REDIS": f"redis://{NOWHERE}/0",
        "MAILWEAVE_BLOBS": str(tmp_path),
        "MAILWEAVE_SECRET_KEY": base64.b64encode(b"k" * 32).decode(),
    }
    return lambda *args, **options: CliRunner().invoke(cli, [str(a) for a in args], env=environ, **options)


def _file(tmp_path, text):
    path = tmp_path / "file"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("{", "not JSON", id="cut"),
        pytest.param(b"\xff", "not UTF-8", id="bytes"),
        pytest.param("[]", "must be one object", id="list"),
        pytest.param('{"organisation": {}}', "organisation", id="unknown-object"),
        pytest.param('{"organization": {"filter.user": 1}}', "filter.user", id="unknown-key"),
        pytest.param('{"organization": {"filter.userDefault": 9}}', "filter.userDefault is 9", id="out-of-bounds"),
        pytest.param('{"organization": {"filter.userDefault": "1"}}', "filter.userDefault", id="wrong-type"),
    ],
)
def test_a_broken_settings_file_is_refused(run, tmp_path, text, said):
    result = run("settings", "apply", _file(tmp_path, text))

    assert (2, "") == (result.exit_code, result.stdout)
    assert said in result.stderr


def test_every_broken_object_of_a_settings_file_is_named():
    text = json.dumps({"organization": {"x": 1}, "principal/user:u1": {"filter": 7}}).encode()

    with pytest.raises(Refused) as refused:
        read_file("f", text)

    assert "organization" in str(refused.value)
    assert "principal/user:u1" in str(refused.value)


def test_a_key_that_stands_twice_is_refused():
    with pytest.raises(Refused, match="'organization' stands twice"):
        read_file("f", b'{"organization": {}, "organization": {"filter.userDefault": 0}}')


def test_a_removal_and_a_good_object_pass():
    changes = {"organization": {"filter.userDefault": 0}, "mailbox/a@x": None}

    assert (changes, None) == read_file("f", json.dumps(changes).encode())
    assert (changes, 7) == read_file("f", json.dumps({"version": 7, **changes}).encode())


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"version": ' + b"9" * 5_000 + b"}"])
def test_json_that_python_cannot_hold_is_refused(text):
    with pytest.raises(Refused, match="f: not JSON that can be read"):
        read_file("f", text)


@pytest.mark.parametrize("version", ["7", -1, True, 1.5])
def test_the_version_of_a_settings_file_is_a_number(version):
    with pytest.raises(Refused, match=r"f: version is .*: it must be the number of a settings version"):
        read_file("f", json.dumps({"version": version}).encode())


def test_a_broken_directory_file_is_refused(run, tmp_path):
    result = run("directory", "apply", _file(tmp_path, "{}\nnonsense\n"))

    assert (2, "") == (result.exit_code, result.stdout)
    assert "line 1: " in result.stderr
    assert "line 2: not JSON" in result.stderr


def test_a_directory_comes_from_standard_input_too(run):
    result = run("directory", "apply", "-", input="nonsense\n")

    assert 2 == result.exit_code
    assert "line 1: not JSON" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["import", "/no/such/path", "--mailbox", "a@x"], "/no/such/path does not exist", id="import-path"),
        pytest.param(
            ["import", "/dev/null", "--mailbox", "a@x"], "/dev/null holds no mail: it is no file", id="device"
        ),
        pytest.param(["import", "/", "--mailbox", "nobody"], "'nobody' is no address", id="import-mailbox"),
        pytest.param(["directory", "apply", "/no/such/file"], "/no/such/file", id="directory-file"),
        pytest.param(["explain", "<>"], "is no Message-ID", id="explain"),
        pytest.param(["explain", "a@x", "--not", "kim"], "names no record", id="explain-not"),
        pytest.param(["redecide", "--since", "2026-11-01", "--apply"], "--reason", id="redecide"),
        pytest.param(["up", "--replicas", "console=2"], "expected SERVICE=N", id="replicas-service"),
        pytest.param(["up", "--replicas", "fetcher=many"], "expected SERVICE=N", id="replicas-number"),
        pytest.param(["service", "start", "fetcher"], "with a number", id="service-name"),
        pytest.param(["wait", "--timeout", "-1"], "--timeout", id="timeout"),
        pytest.param(["nonsense"], "No such command", id="command"),
    ],
)
def test_bad_arguments_are_refused(run, arguments, said):
    result = run(*arguments)

    assert 2 == result.exit_code
    assert said in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", [["activities"], ["verify"], ["settings", "show"], ["wait", "--timeout", "0"]])
def test_a_store_that_does_not_answer_is_named_without_its_password(run, command):
    result = run(*command)

    assert (1, "") == (result.exit_code, result.stdout)
    assert "PostgreSQL at 127.0.0.1:1" in result.stderr
    assert "secret" not in result.stderr
    assert 1 == len(result.stderr.splitlines())


def test_a_missing_config_is_named(tmp_path):
    result = CliRunner().invoke(cli, ["activities"], env={"MAILWEAVE_HOME": str(tmp_path)})

    assert 2 == result.exit_code
    assert f"nothing runs in {tmp_path} (MAILWEAVE_HOME): start it with `mailweave up`" in result.stderr
    assert "MAILWEAVE_POSTGRES" in result.stderr


def test_down_where_nothing_runs_is_friendly(run):
    result = run("down")

    assert (0, "Nothing runs.\n") == (result.exit_code, result.stdout)


@pytest.mark.parametrize(
    ("text", "tls", "expected"),
    [
        ("mail.example.org", "implicit", ("mail.example.org", 993)),
        ("mail.example.org", "starttls", ("mail.example.org", 143)),
        ("127.0.0.1:1143", "none", ("127.0.0.1", 1143)),
        ("[::1]:1143", "none", ("::1", 1143)),
        ("::1", "implicit", ("::1", 993)),
    ],
)
def test_a_server_is_a_host_with_or_without_port(text, tls, expected):
    assert expected == host_and_port(text, tls)


@pytest.mark.parametrize("text", ["", ":993", "host:0", "host:65536", "host:imap"])
def test_a_server_without_host_or_with_a_bad_port_is_refused(text):
    with pytest.raises(Refused, match="expected HOST or HOST:PORT"):
        host_and_port(text, "implicit")


@pytest.mark.parametrize("text", ["secret", "secret\n", "secret\r\n"])
def test_the_line_end_is_no_part_of_a_password(tmp_path, text):
    assert "secret" == password_in(_file(tmp_path, text))


@pytest.mark.parametrize("text", ["", "\n", "one\ntwo\n", b"\xff"])
def test_a_password_file_holds_one_line(tmp_path, text):
    with pytest.raises(Refused, match="--password-file"):
        password_in(_file(tmp_path, text))


def test_a_password_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(Refused, match="No such file"):
        password_in(tmp_path / "none")


def test_a_server_profile_is_used_again_when_it_is_the_same_server():
    place = {"host": "h", "port": 993, "tls": "implicit"}
    snapshot = apply(EMPTY, "server-profile/ours", 1, {**place, "maxConnections": 3})

    name, value = profile_for(snapshot, place)

    assert ("ours", 3) == (name, value["maxConnections"])
    assert "h-993-none" == profile_for(snapshot, {**place, "tls": "none"})[0]


def test_another_pace_is_another_profile():
    place = {"host": "h", "port": 993, "tls": "implicit"}
    snapshot = apply(EMPTY, "server-profile/h-993-implicit", 1, place)

    assert "h-993-implicit-1s" == profile_for(snapshot, {**place, "pollSeconds": 1})[0]


def test_set_keeps_the_fields_it_does_not_name():
    current = plain(validate("organization", {"message.maxMb": 20}))

    changed = merged(current, ["filter.userDefault=0", "filter.scope=pollingMailbox"])

    assert (20, 0, "pollingMailbox") == tuple(
        changed[name] for name in ("message.maxMb", "filter.userDefault", "filter.scope")
    )


@pytest.mark.parametrize("text", ["filter.userDefault", "=1"])
def test_an_assignment_has_a_field_and_a_value(text):
    with pytest.raises(Refused, match="expected FIELD=VALUE"):
        merged({}, [text])


CONSENT = {"tokenEndpoint": "https://login.example.org/token", "clientId": "c", "refreshToken": "s3cret"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("{", "not JSON", id="cut"),
        pytest.param(b"\xff", "not UTF-8", id="bytes"),
        pytest.param('"s3cret"', "must be one object such as", id="text"),
        pytest.param("[" * 100_000, "must be one object such as", id="deep"),
        pytest.param("{}", "tokenEndpoint is missing: give it; clientId is missing", id="empty"),
        pytest.param(json.dumps({**CONSENT, "scopes": "s3cret"}), "unknown field 'scopes'", id="unknown"),
        pytest.param(json.dumps({**CONSENT, "refreshToken": ["s3cret"]}), "refreshToken must be a text", id="list"),
        pytest.param(
            json.dumps({**CONSENT, "clientSecret": "s3cret\n"}), "clientSecret must be a text", id="two-lines"
        ),
        pytest.param(json.dumps({**CONSENT, "tokenEndpoint": "http://login.example.org"}), "https://", id="clear-text"),
    ],
)
@pytest.mark.parametrize("stdin", [True, False], ids=["stdin", "file"])
def test_a_broken_oauth_credential_is_refused_and_not_repeated(run, tmp_path, text, said, stdin):
    if stdin:
        result = run("credential", "set", "x", "--oauth-file", "-", input=text)
    else:
        result = run("credential", "set", "x", "--oauth-file", _file(tmp_path, text))

    assert (2, "") == (result.exit_code, result.stdout)
    assert said in result.stderr
    assert "s3cret" not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["x"], id="none"),
        pytest.param(["x", "--oauth-file", "a", "--password-file", "b"], id="both"),
        pytest.param(["", "--oauth-file", "a"], id="no-name"),
        pytest.param(["a\nb", "--oauth-file", "a"], id="two-lines"),
        pytest.param(["x", "--oauth-file", "/no/such/file"], id="no-file"),
    ],
)
def test_a_credential_needs_a_name_and_one_source(run, arguments):
    result = run("credential", "set", *arguments)

    assert (2, "") == (result.exit_code, result.stdout)
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("given", [[], ["--password-file", "p", "--credential", "c"]], ids=["none", "both"])
def test_a_mailbox_needs_one_credential(run, given):
    result = run("mailbox", "add", "a@x.org", "--imap", "h", "--user", "a", *given)

    assert 2 == result.exit_code
    assert "either --password-file or --credential" in result.stderr
