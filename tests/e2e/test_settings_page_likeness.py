"""Rows of the settings page about mail that names no other mail, changed on a running pipeline."""

import pytest

from tests.e2e.conftest import KIM, SUPPORT, Company
from tests.e2e.mails import mail
from tests.e2e.settings_page import changes, setting
from tests.e2e.test_mail import activities, explained

pytestmark = pytest.mark.e2e


def arrive(company: Company, name: str, subject: str, minute: int) -> None:
    company.pipeline.append(
        SUPPORT, mail(f"{name}@likeness.example", from_=KIM, to=SUPPORT, subject=subject, minute=minute)
    )
    company.pipeline.wait()


@changes("Smart matching", "Smart matching: parameters")
def test_a_reply_without_headers_is_linked_while_smart_matching_may_and_as_its_parameters_say(company: Company):
    """In the compatible mode: off it finds nothing, it may suggest or link, and one word more needs the delta."""
    with setting(company, tracking__mode="compatible", tracking__smart__enabled="off"):
        arrive(company, "root", "Delivery of pallets", 0)
        arrive(company, "off", "Re: Delivery of pallets", 1)
        with setting(company, tracking__smart__enabled="suggest"):
            arrive(company, "suggested", "Re: Delivery of pallets", 2)
        with setting(company, tracking__smart__enabled="link"):
            arrive(company, "linked", "Re: Delivery of pallets", 3)
            arrive(company, "longer", "Re: Delivery of twelve pallets", 4)
            with setting(company, tracking__smart__deltaSubject=1):
                arrive(company, "delta", "Re: Delivery of thirteen pallets", 5)

    found = activities(company, "likeness.example")
    assert {"root": "None", "off": "None", "suggested": "None", "linked": "SmartMatching", "longer": "None",
            "delta": "SmartMatching"} == {
        name.partition("@")[0]: one["correlation"]["method"] for name, one in found.items()
    }  # fmt: skip
    assert "suggested@likeness.example" == found["linked@likeness.example"]["correlation"]["message_id"]
    (told,) = explained(company, "suggested@likeness.example")
    pieces = [p for d in told["deliveries"] for p in d["evidence"] if p["kind"] == "smart_matching"]
    assert [("off@likeness.example", False)] == [(p["points_to"], p["counts"]) for p in pieces]
