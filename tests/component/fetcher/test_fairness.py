"""A mailbox with much mail lets the others in between, even where one check is made at a time."""

from pathlib import Path

import pytest

from services.cli.stack import add_user
from services.fetcher.checks import SHARE
from tests.component.fetcher.checking import MAILS
from tests.component.fetcher.idle_running import Running, append, until

pytestmark = pytest.mark.component

WAITING = 20_000


def test_a_mailbox_with_20000_waiting_mails_does_not_keep_another_waiting(stack, outside, dovecot, redis):
    home = Path(stack.environ["MAILWEAVE_HOME"])
    busy, other = (f"{name}-{outside.mailbox}" for name in ("busy", "other"))
    for name in (busy, other):
        add_user(home, name, "secret")
    append(dovecot, busy, MAILS[1])  # so that its folders are there
    new = home / "dovecot" / "mail" / busy / "Maildir" / "new"
    for number in range(WAITING):
        (new / f"{number}.mail").write_bytes(b"Message-ID: <%d@busy>\r\n\r\n" % number)

    def taken(mailbox):
        query = f"SELECT count(*) FROM fetcher.delivery WHERE mailbox = '{mailbox}'"
        return outside.rows(query)[0][0]

    with Running(outside, redis, dovecot, mailboxes=[busy, other], workers=1, idle=False, pollSeconds=1).running():
        until(lambda: taken(busy) > 0, 60)
        append(dovecot, other, MAILS[2])
        until(lambda: taken(other) == 1, 120)

        assert taken(busy) <= 2 * SHARE
