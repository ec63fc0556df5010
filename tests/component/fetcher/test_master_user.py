"""One credential of the server profile opens everybody's mailbox, on a real Dovecot with a master user."""

from dataclasses import replace

import pytest

from services.fetcher import failures
from services.fetcher.imap import session
from services.fetcher.mechanisms import Password
from tests.component.fetcher.master_dovecot import running

pytestmark = pytest.mark.component

MASTER = Password("of them all")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("master") / "home"
    with running(home) as found:
        with session(found, "ben@example.org", Password("ben@example.org")) as connection:
            connection.wire.create('"only ben"')
        yield found


@pytest.mark.parametrize(("opens", "has"), [("ada@example.org", False), ("ben@example.org", True)])
def test_the_authorization_id_says_whose_mailbox_is_opened(server, opens, has):
    with session(replace(server, opens=opens), "master", MASTER) as connection:
        assert has == ("only ben" in [folder.name for folder in connection.folders()])


def test_a_login_name_with_the_master_s_behind_it_does_the_same(server):
    with session(server, "ben@example.org*master", MASTER) as connection:
        assert "only ben" in [folder.name for folder in connection.folders()]


def test_whoever_is_no_master_opens_no_other_mailbox(server):
    with (
        pytest.raises(failures.LoginRefused),
        session(replace(server, opens="ben@example.org"), "ada@example.org", Password("ada@example.org")),
    ):
        pass
