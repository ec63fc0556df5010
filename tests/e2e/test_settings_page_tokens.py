"""Rows of the settings page about tracking tokens, changed on a running pipeline."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.e2e.conftest import KIM, SUPPORT, Company
from tests.e2e.mails import mail
from tests.e2e.settings_page import changes, setting
from tests.e2e.test_mail import activities

pytestmark = pytest.mark.e2e


def drawn(company: Company, *whose: str, subject: str = "Offer") -> Mapping[str, str]:
    """A token and the subject that carries it, as a program asks for them that sends mail itself."""
    found: Mapping[str, str] = json.loads(
        company.pipeline.mailweave("token", "next", *whose, "--subject", subject, "--json").stdout
    )
    assert found["subject"] == f"{subject} {found['token']}"
    return found


def sent(company: Company, mid: str, subject: str, *, minute: int = 0) -> None:
    """Put a mail into Sent, as a mail program does."""
    made = mail(mid, from_=SUPPORT, to=KIM, subject=subject, minute=minute)
    company.pipeline.append(SUPPORT, made, folder="Sent")
    company.pipeline.wait()


def answered(company: Company, mid: str, subject: str, *, minute: int = 1) -> None:
    """Answer without any header that names what is answered."""
    company.pipeline.append(SUPPORT, mail(mid, from_=KIM, to=SUPPORT, subject=f"RE: {subject}", minute=minute))
    company.pipeline.wait()


def found(company: Company, domain: str) -> dict[str, Any]:
    """By the first part of the id, how each activity was correlated and with which."""
    return {
        mid.partition("@")[0]: (one["correlation"]["method"], str(one["correlation"]["message_id"] or "").split("@")[0])
        for mid, one in activities(company, domain).items()
    }


@changes("Tracking tokens")
def test_an_answer_without_headers_is_known_by_its_token_while_the_switch_is_on(company: Company):
    """A token that nobody was given matches nothing, and without the switch none is given out."""
    subject = drawn(company, "--queue", "support")["subject"]
    sent(company, "out@tokens.example", subject)
    answered(company, "on@tokens.example", subject)
    answered(company, "guessed@tokens.example", "Offer CRM:0999999", minute=2)
    with setting(company, tracking__token__enabled=False):
        answered(company, "off@tokens.example", subject, minute=3)
        refused = company.pipeline.mailweave("token", "next", "--user", "anna", "--subject", "x", check=False)

    assert {
        "out": ("None", ""),
        "on": ("TrackingToken", "out"),
        "guessed": ("None", ""),
        "off": ("None", ""),
    } == found(company, "tokens.example")
    assert 2 == refused.returncode
    assert "tracking tokens are switched off" in refused.stderr


@changes("Tracking tokens: prefix")
def test_a_new_prefix_begins_new_tokens_and_the_former_one_still_matches(company: Company):
    former = drawn(company, "--queue", "support")["subject"]
    sent(company, "out@prefix.example", former)
    with setting(company, tracking__token__prefix="T1#"):
        current = drawn(company, "--queue", "support")
        sent(company, "new@prefix.example", current["subject"])
        answered(company, "former@prefix.example", former)
        answered(company, "current@prefix.example", current["subject"])

    assert current["token"].startswith("T1#0")
    methods = found(company, "prefix.example")
    assert ("TrackingToken", "out") == methods["former"]
    assert ("TrackingToken", "new") == methods["current"]


@changes(
    "Tracking tokens: deployment base tracking number",
    "Tracking tokens: digits for user numbers",
    "Tracking tokens: digits for message counter",
)
def test_numbers_and_digits_make_the_layout_of_new_tokens_and_old_ones_still_match(company: Company):
    before = drawn(company, "--queue", "support")
    sent(company, "out@layout.example", before["subject"])
    with setting(company, tracking__token__base=5000, tracking__token__userDigits=5, tracking__token__counterDigits=6):
        after = drawn(company, "--user", "ben")["token"]
        answered(company, "in@layout.example", before["subject"])

    old, new = re.fullmatch(r"CRM:0(\d{3})(\d{3})", before["token"]), re.fullmatch(r"CRM:0(\d{5})(\d{6})", after)
    assert old
    assert new
    assert (int(old[1]) + 5000, int(old[2]) + 1) == (int(new[1]), int(new[2]))
    assert ("TrackingToken", "out") == found(company, "layout.example")["in"]


def test_a_minted_pair_ties_answers_to_an_activity(company: Company):
    """A program sends the mail itself, so nothing of it is stored but what its answer brings back."""
    company.pipeline.append(SUPPORT, mail("root@minted.example", from_=KIM, to=SUPPORT))
    company.pipeline.wait()
    root = activities(company, "minted.example")["root@minted.example"]["id"]
    pairs = [json.loads(company.pipeline.mailweave("token", "mint", "--activity", root, "--json").stdout) for _ in "ab"]
    by_id = mail("id@minted.example", from_=KIM, to=SUPPORT, in_reply_to=pairs[0]["message_id"].upper().strip("<>"))
    by_address = mail("address@minted.example", from_=KIM, to=pairs[1]["reply_to"], minute=1)
    forged = pairs[0]["message_id"].strip("<>").replace("@", "a@")
    company.pipeline.append(
        SUPPORT, by_id, by_address, mail("forged@minted.example", from_=KIM, to=SUPPORT, in_reply_to=forged, minute=2)
    )
    company.pipeline.wait()

    methods = found(company, "minted.example")
    assert ("TrackingToken", "root") == methods["id"] == methods["address"]
    assert ("None", "") == methods["forged"]
