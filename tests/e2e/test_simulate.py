"""A dry run over stored mail decides as the services have decided, and shows what other settings would change."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.conftest import ANNA, KIM, LEE, SUPPORT, Company
from tests.e2e.mails import mail

pytestmark = pytest.mark.e2e


def simulated(company: Company, domain: str, *arguments: str) -> dict[str, dict[str, Any]]:
    since = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    done = company.pipeline.mailweave("simulate", "--stored", "--since", since, *arguments, "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {one["message_id"]: one for one in found if one["message_id"].endswith(f"@{domain}")}


def test_a_dry_run_decides_as_the_services_did_and_names_what_other_settings_change(company: Company, tmp_path):
    """The reply comes before what it answers: its second decision is that of the dry run's first."""
    root, reply, other = (f"{name}@dry.example" for name in ("root", "reply", "other"))
    company.pipeline.append(ANNA, mail(reply, from_=KIM, to=ANNA, in_reply_to=root, minute=1))
    company.pipeline.append(ANNA, mail(other, from_=LEE, to=ANNA))
    company.pipeline.wait()
    company.pipeline.append(SUPPORT, mail(root, from_=KIM, to=SUPPORT))
    company.pipeline.wait()
    candidate = tmp_path / "candidate.json"
    candidate.write_text(json.dumps({"organization": {"tracking.headers": False, "filter.userDefault": 2}}))

    decided = simulated(company, "dry.example")
    assert {root: "accepted", reply: "accepted", other: "NoCorrelationMatch"} == {
        key: one["outcome"] for key, one in decided.items()
    }
    assert ("InReplyTo", root) == (decided[reply]["method"], decided[reply]["answers"])
    assert {} == simulated(company, "dry.example", "--format", "diff")
    changed = simulated(company, "dry.example", "--format", "diff", "--settings", str(candidate))
    assert {reply: ["link-lost"]} == {key: one["changes"] for key, one in changed.items()}, "Kim is a contact"
    assert (root, None) == (changed[reply]["before"]["answers"], changed[reply]["after"]["answers"])
