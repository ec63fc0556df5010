"""People answer what decisions ask, on a running pipeline."""

import json
from typing import Any

import pytest

from tests.e2e.conftest import KIM, SUPPORT, Company
from tests.e2e.mails import mail
from tests.e2e.test_alerts import until
from tests.e2e.test_mail import activities, explained

pytestmark = pytest.mark.e2e
EVE = "Eve <eve@stranger.example>"


def asked(company: Company, domain: str, state: str = "open") -> dict[str, dict[str, Any]]:
    """What is asked about senders, by message: the mails of these tests are also like one another."""
    all_ = ("--limit", "1000000")  # those of other tests come first
    lines = company.pipeline.mailweave("review", "list", "--state", state, *all_, "--json").stdout.splitlines()
    found = [json.loads(line) for line in lines]
    ours = [one for one in found if one["message_id"].endswith(f"@{domain}")]
    return {one["message_id"]: one for one in ours if one["kind"] == "unverified"}


def conversation(company: Company, domain: str) -> tuple[str, str, str]:
    """
    A mail, an answer to it by somebody who has no part in it, and an answer to that by the same one.

    One after the other: a mail that comes before the one it follows may be found to be like a later one.
    """
    root, eves, again = (f"{name}@{domain}" for name in ("root", "eves", "again"))
    for one in (
        mail(root, from_=KIM, to=SUPPORT),
        mail(eves, from_=EVE, to=SUPPORT, in_reply_to=root, references=[root], minute=1),
        mail(again, from_=EVE, to=SUPPORT, in_reply_to=eves, references=[root, eves], minute=2),
    ):
        company.pipeline.append(SUPPORT, one)
        company.pipeline.wait()
    return root, eves, again


def test_a_confirmed_review_links_the_mail_as_verified_and_what_follows_from_it(company: Company):
    root, eves, again = conversation(company, "confirm.example")
    assert {(eves, root), (again, eves)} == {
        (one["message_id"], one["target"]) for one in asked(company, "confirm.example").values()
    }

    done = company.pipeline.mailweave("review", "confirm", eves, root, "--reason", "Kim's new colleague")

    assert "Confirmed: " in done.stdout
    until(lambda: explained(company, eves)[0]["deliveries"][0]["verified"])
    until(lambda: explained(company, again)[0]["deliveries"][0]["verified"])
    found = activities(company, "confirm.example")
    assert ("Manual", root) == tuple(found[eves]["correlation"][name] for name in ("method", "message_id"))
    assert 1 == len({one["thread_id"] for one in found.values()})
    assert {} == asked(company, "confirm.example")
    answered = asked(company, "confirm.example", "confirmed")[eves]
    assert ("unverified", "Kim's new colleague") == (answered["kind"], answered["reason"])
    assert answered["author"]


def test_a_dismissed_review_is_closed_and_changes_nothing(company: Company):
    root, eves, again = conversation(company, "dismiss.example")
    company.pipeline.mailweave("review", "dismiss", f"<{eves}>", f"<{root}>", "--reason", "nobody we know")

    assert {again} == asked(company, "dismiss.example").keys()
    answered = asked(company, "dismiss.example", "any")[eves]
    assert ("dismissed", "nobody we know") == (answered["state"], answered["reason"])
    assert not explained(company, eves)[0]["deliveries"][0]["verified"]


def test_what_is_not_asked_is_not_answered(company: Company):
    root, eves, again = conversation(company, "unasked.example")
    for arguments, says in (
        (("confirm", again, root, "--reason", "r"), "nothing is asked"),
        (("dismiss", root, eves, "--reason", "r"), "nothing is asked"),
        (("dismiss", "<>", eves, "--reason", "r"), "is no Message-ID"),
        (("dismiss", eves, root, "--reason", " "), "say why"),
        (("confirm", eves, root), "--reason"),
    ):
        done = company.pipeline.mailweave("review", *arguments, check=False)
        assert (2, True) == (done.returncode, says in done.stderr), done
