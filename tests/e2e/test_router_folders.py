"""What is read besides the inbox by a router: the settings say it, and nothing of it stands in the router's file."""

import imaplib
from pathlib import Path

import pytest

from tests.conftest import PASSWORD
from tests.e2e.conftest import KIM, Company
from tests.e2e.mails import mail
from tests.e2e.routers import deliveries, left_to_routers, mailbox_and_router
from tests.e2e.test_alerts import until
from tests.e2e.test_folders import change, decided

pytestmark = pytest.mark.e2e

STRANGER = "Someone <someone@stranger.example>"


def test_sent_rules_and_flags_act_through_a_router_also_after_a_rename(company: Company, tmp_path: Path):
    """The rows "Folder-level tracking" and the switch of Sent, the keyword, and a folder that a person renames."""
    host, _, port = company.pipeline.environ["MAILWEAVE_IMAP"].rpartition(":")

    def put(name: str, folder: str, *, from_: str = STRANGER, to: str = "") -> str:
        given = mail(f"{name}@routed-folders.example", from_=from_, to=to or address)
        company.pipeline.append(address, given, folder=folder)
        return f"{name}@routed-folders.example"

    def do(*calls: tuple[str, ...]) -> None:
        with imaplib.IMAP4(host, int(port)) as client:
            client.login(address, PASSWORD)
            for method, *arguments in calls:
                assert getattr(client, method)(*arguments)[0] == "OK"

    with mailbox_and_router(company, "foldered", tmp_path) as (address, router), left_to_routers(company):
        change(company, "organization", "tracking.sentItems=false", "tracking.folderLevel=true")
        try:
            sent = put("sent", "Sent", from_=address, to=KIM)
            ruled, plain, flagged = put("ruled", "Kunden"), put("plain", "Archiv"), put("flagged", "Archiv")
            inbox = put("inbox", "INBOX")
            router.start()
            until(lambda: decided(company, inbox) != [])
            assert [[], [], [], []] == [decided(company, one) for one in (sent, ruled, plain, flagged)]

            change(company, "organization", "tracking.sentItems=true")
            until(lambda: [one[:2] for one in decided(company, sent)] == [("outgoing", "accepted")])
            rule = [f"mailbox={address}", 'regarding={"type": "account", "id": "a-17"}']
            change(company, "folder-rule/foldered", "folder=Kunden", *rule)
            until(lambda: decided(company, ruled) == [("incoming", "accepted", "account:a-17")])
            do(("select", "Archiv"), ("store", "2", "+FLAGS", "($MailweaveTracked)"))
            until(lambda: [one[:2] for one in decided(company, flagged)] == [("incoming", "accepted")])

            do(("rename", "Kunden", "Alte"))
            after = put("after", "Alte")
            change(company, "folder-rule/foldered", "folder=Alte")
            until(lambda: decided(company, after) == [("incoming", "accepted", "account:a-17")])
            assert [("incoming", "accepted", "account:a-17")] == decided(company, ruled)
            assert ([], 5) == (decided(company, plain), deliveries(company, address))
        finally:
            company.pipeline.mailweave(
                "settings", "unset", "organization", "tracking.sentItems", "tracking.folderLevel"
            )
