"""Mail comes under an address that no record has; a person confirms it, and what was refused for it is filed."""

import json
from typing import Any

import pytest

from tests.e2e.conftest import ANNA, BEN, KIM, Company
from tests.e2e.mails import mail
from tests.e2e.settings_page import setting
from tests.e2e.test_alerts import until
from tests.e2e.test_late_resolution import outcome
from tests.e2e.test_mail import explained

pytestmark = pytest.mark.e2e

ALIAS = "a.smith@aliases.example"
ABOVE = f"X-Original-To: {ALIAS}\nDelivered-To: {ANNA}\nReceived: by mx.own.example\n"
WHY = ("--author", "mira", "--reason", "as on her card")


def aliases(company: Company) -> list[dict[str, Any]]:
    lines = company.pipeline.mailweave("alias", "list", "--all", "--json").stdout.splitlines()
    return [one for one in map(json.loads, lines) if one["address"] == ALIAS]


def test_an_alias_is_proposed_confirmed_followed_and_taken_back(company: Company):
    first, elsewhere, later = (f"{name}@aliases.example" for name in ("first", "elsewhere", "later"))
    company.pipeline.append(
        ANNA,
        *(mail(name, from_=KIM, to=ALIAS, above=ABOVE, subject=name) for name in (first, "b@aliases.example")),
        mail("c@aliases.example", from_=KIM, to="list@else.example", above=ABOVE, subject="Hidden"),
    )
    company.pipeline.append(BEN, mail(elsewhere, from_=KIM, to=ALIAS, subject="Elsewhere"))
    company.pipeline.wait()
    assert ("NoRecipientMatch", "NoRecipientMatch") == (outcome(company, first), outcome(company, elsewhere))
    assert [("user/anna", "proposed", 3)] == [(a["principal"], a["state"], a["mails"]) for a in aliases(company)]

    with setting(company, filter__userDefault=2):
        assert "Done." in company.pipeline.mailweave("alias", "confirm", ALIAS, "user/anna", *WHY).stdout
        until(lambda: "accepted" == outcome(company, first) == outcome(company, elsewhere))
    assert f"{ALIAS}: user/anna, 3 mails, confirmed." in company.pipeline.mailweave("alias", "list").stdout
    (told,) = explained(company, elsewhere)
    filters = [(p["value"], p["points_to"]) for d in told["deliveries"] for p in d["evidence"] if p["kind"] == "filter"]
    assert ("to 1, by an alias", "user/anna") in filters

    company.pipeline.mailweave("alias", "remove", ALIAS, "user/anna", *WHY)
    company.pipeline.append(BEN, mail(later, from_=KIM, to=ALIAS, subject="Later"))
    company.pipeline.wait()
    assert ("NoRecipientMatch", "accepted") == (outcome(company, later), outcome(company, first))
