"""A mailbox that takes OAuth alone, from its consent to its withdrawal and a new one, in services that run on."""

import imaplib
import json
import time
from contextlib import closing
from pathlib import Path

import pytest

from services.fetcher.imap import Server
from services.fetcher.mechanisms import xoauth2
from tests.component.fetcher.authorisation import CLIENT, CLIENT_SECRET, FIRST_REFRESH, AuthorisationServer, Issued
from tests.component.fetcher.oauth_dovecot import running
from tests.e2e.conftest import KIM, Company
from tests.e2e.mails import mail
from tests.e2e.test_alerts import alerts, until

pytestmark = pytest.mark.e2e

ADDRESS = "consenting@own.example"


def append(server: Server, issuer: AuthorisationServer, name: str) -> None:
    issuer.issued["sender's"] = Issued(ADDRESS, time.time() + 60)
    client = imaplib.IMAP4(server.host, server.port)
    with closing(client.socket()):
        client.authenticate("XOAUTH2", lambda _challenge: xoauth2(ADDRESS, "sender's"))
        raw = mail(f"{name}@x.example", from_=KIM, to=ADDRESS)
        assert client.append("INBOX", "", imaplib.Time2Internaldate(time.time()), raw)[0] == "OK"
        client.logout()


def consent(folder: Path, issuer: AuthorisationServer) -> Path:
    path = folder / "consent.json"
    given = {
        "tokenEndpoint": issuer.token_endpoint,
        "clientId": CLIENT,
        "clientSecret": CLIENT_SECRET,
        "refreshToken": issuer.refresh,
    }
    path.write_text(json.dumps(given), "utf-8")
    return path


def test_a_mailbox_is_read_by_consent_and_says_when_that_is_withdrawn(company: Company, tmp_path: Path):
    run = company.pipeline.mailweave
    taken = ["verify", "--server", "--mailbox", ADDRESS]
    with (
        closing(AuthorisationServer(ADDRESS)) as issuer,
        running(tmp_path / "mail", f"http://127.0.0.1:{issuer.port}/introspect") as server,
    ):
        run("credential", "set", "consent", "--oauth-file", consent(tmp_path, issuer))
        where = ["--imap", f"{server.host}:{server.port}", "--tls", "none", "--poll-seconds", "1"]
        run("mailbox", "add", ADDRESS, *where, "--user", ADDRESS, "--credential", "consent", "--owner", "user:ben")
        profile = json.loads(run("mailbox", "show", ADDRESS, "--json").stdout)["serverProfile"]
        run("settings", "set", f"server-profile/{profile}", "idle=false")  # so that each check logs in
        try:
            append(server, issuer, "consented")
            company.pipeline.wait()
            assert 1 == len(issuer.asked)

            issuer.revoke()
            append(server, issuer, "renewed")
            company.pipeline.wait()
            assert [FIRST_REFRESH, "refresh-s3cret-1"] == [form["refresh_token"] for form in issuer.asked]
            run(*taken)

            issuer.refresh = None
            issuer.revoke()
            append(server, issuer, "withdrawn")
            (alert,) = until(lambda: alerts(company, "consent_withdrawn", ADDRESS))
            assert "new consent" in run("alerts", "show", alert["id"]).stdout

            issuer.refresh = "refresh-s3cret-new"
            run("credential", "set", "consent", "--oauth-file", consent(tmp_path, issuer))
            company.pipeline.wait()
            until(lambda: alerts(company, "consent_withdrawn", ADDRESS, state="resolved"))
            assert '"on_server": 3, "missing": 0' in run(*taken, "--json").stdout
        finally:
            run("mailbox", "remove", ADDRESS)
    logs = "".join(file.read_text("utf-8", "replace") for file in (company.pipeline.home / "log").iterdir())
    assert "s3cret" not in logs
