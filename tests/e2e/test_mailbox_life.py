"""A mailbox from added to disabled and back, with everything running."""

import json

import pytest

from services.cli import stack as local
from tests.conftest import PASSWORD
from tests.e2e.conftest import Company
from tests.e2e.test_alerts import alerts, until

pytestmark = pytest.mark.e2e


def shown(company, address):
    return json.loads(company.pipeline.mailweave("mailbox", "show", address, "--json").stdout)["incoming"]


def test_a_mailbox_is_tested_disabled_and_enabled_again(company: Company):
    pipeline, address = company.pipeline, "life@own.example"
    pipeline.add_mailbox(address, "user:ben")
    try:
        until(lambda: shown(company, address)["state"] == "enabled")
        assert "success" == shown(company, address)["test"]["result"]

        local.add_user(pipeline.home, address, "another password")
        failed = pipeline.tested(address, check=False)
        assert (1, True) == (failed.returncode, f"{address}: failure at " in failed.stdout), failed.stderr
        assert ("disabled", "login_refused") == (
            shown(company, address)["state"], shown(company, address)["reason"]
        )  # fmt: skip
        until(lambda: alerts(company, "login_refused", address))

        local.add_user(pipeline.home, address, PASSWORD)
        assert f"{address}: success at " in pipeline.tested(address).stdout
        assert "enabled" == shown(company, address)["state"]
        until(lambda: alerts(company, "login_refused", address, state="resolved"))

        pipeline.mailweave("mailbox", "reject", address)
        until(lambda: alerts(company, "not_approved", address))
        pipeline.mailweave("mailbox", "approve", address)
        until(lambda: shown(company, address)["state"] == "enabled")
        until(lambda: alerts(company, "not_approved", address, state="resolved"))
    finally:
        pipeline.mailweave("mailbox", "remove", address)
