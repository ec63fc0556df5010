"""What the switches of correlation do to mail in the resolver, each by the name that it has in the settings."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from services import contracts
from services.domain.directory import RecordRef
from services.domain.identity import keyed_hash
from services.domain.tracking_token import key
from services.resolver.policy import settings_of
from services.settings.models import validate
from services.settings.organization import Organization
from services.settings.snapshot import Snapshot
from tests.component.resolver.conftest import KEY, Resolver, mail

pytestmark = pytest.mark.component

TOKEN = "CRM:0001001"
ROOT = mail("root", From="support@own.example", To="kim@customer.example", Subject=f"Offer 7 {TOKEN}")
ALL = {"tracking.headers": True, "tracking.token.enabled": True, "tracking.smart.enabled": "link"}
BOTH = ("best", "compatible")
CLIENTS = ("keeps-headers", "keeps-the-token", "keeps-nothing")


def set_to(resolver: Resolver, **given: Any) -> None:
    """Put settings in force, as a snapshot of the topic would."""
    organization = validate("organization", given)
    assert isinstance(organization, Organization)
    now = Snapshot(version=2, organization=organization)
    resolver.settings = replace(settings_of(now), mailbox_owners={})


def with_evidence(value: bytes, **kinds: str) -> bytes:
    """Add evidence for the root to a record, ``kind=value``, as the correlator would have gathered it."""
    _, record = contracts.decode(value)
    target = str(keyed_hash(KEY, "id", "root@x.example"))
    record["evidence"] += [
        {"kind": kind, "cls": "S", "position": 0, "target": target, "value": said} for kind, said in kinds.items()
    ]
    return contracts.encode("MessageCorrelated", record)


def method(resolver: Resolver, name: str) -> str:
    ((found,),) = resolver.rows(
        "SELECT x.method FROM resolver.decision x JOIN resolver.delivery d ON d.id = x.delivery_id"
        " JOIN resolver.message m USING (message_key) WHERE x.current AND m.message_id = %s",
        f"{name}@x.example",
    )
    return str(found)


def answered(resolver: Resolver, *, headers: bool, token: bool, like: str = "0.90") -> str:
    """The method by which an answer to the root is correlated that kept its headers, its token, or neither."""
    with psycopg.connect(resolver.url) as connection:
        connection.execute("INSERT INTO resolver.issued_token VALUES (%s)", (key(TOKEN),))
    resolver.resolve(resolver.record(ROOT, mailbox="support@own.example", folder="Sent"))
    subject = f"Re: Offer 7 {TOKEN}" if token else "Re: Offer 7"
    raw = mail("answer", answers=["root"] if headers else [], Subject=subject)
    resolver.resolve(
        with_evidence(resolver.record(raw), smart_matching=f"hashes {like}", likeness=f"attribution {like}")
    )
    return method(resolver, "answer")


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize(
    ("switches", "row"),
    [
        ({"tracking.headers": True, "tracking.token.enabled": True, "tracking.smart.enabled": "off"}, "HTN"),
        ({"tracking.headers": True, "tracking.token.enabled": False, "tracking.smart.enabled": "off"}, "HNN"),
        ({"tracking.headers": False, "tracking.token.enabled": True, "tracking.smart.enabled": "off"}, "TTN"),
        ({"tracking.headers": True, "tracking.token.enabled": True, "tracking.smart.enabled": "link"}, "HTS"),
        ({"tracking.headers": False, "tracking.token.enabled": False, "tracking.smart.enabled": "off"}, "NNN"),
    ],
    ids=["headers and token", "headers", "token", "all", "none"],
)
@pytest.mark.parametrize("client", CLIENTS)
def test_the_switches_act_as_in_the_table(
    resolver: Resolver, mode: str, switches: Mapping[str, Any], row: str, client: str
):
    """Headers, Tracking tokens and Smart matching, in every combination of the table, for every client."""
    methods = {"H": "InReplyTo", "T": "TrackingToken", "S": "SmartMatching", "N": "None"}
    expected = row[CLIENTS.index(client)]
    set_to(resolver, **{"tracking.mode": mode, **switches})

    found = answered(resolver, headers=client == "keeps-headers", token=client != "keeps-nothing")

    assert methods[expected] == found


@pytest.mark.parametrize("mode", BOTH)
def test_likeness_suggests_where_it_may_not_link(resolver: Resolver, mode: str):
    """Smart matching: what is only suggested is a question to a person, and links nothing."""
    set_to(resolver, **{"tracking.mode": mode, "tracking.smart.enabled": "suggest"})

    assert "None" == answered(resolver, headers=False, token=False)
    assert [("suggestion", "open")] == resolver.rows("SELECT kind, state FROM resolver.review")


@pytest.mark.parametrize(("like", "expected"), [("0.85", "None"), ("0.90", "SmartMatching"), ("0.69", "None")])
def test_the_thresholds_of_likeness_act(resolver: Resolver, like: str, expected: str):
    set_to(
        resolver,
        **{
            "tracking.smart.enabled": "link",
            "tracking.smart.linkThreshold": 0.9,
            "tracking.smart.suggestThreshold": 0.7,
        },
    )

    assert expected == answered(resolver, headers=False, token=False, like=like)
    assert [(int(like == "0.85"),)] == resolver.rows("SELECT count(*) FROM resolver.review")


FORWARD = mail("forward", answers=["root"], Subject="WG: Offer 7", From="kim@customer.example")


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize(("ignore", "expected"), [(True, "None"), (False, "InReplyTo")])
def test_a_forward_answers_only_while_forwards_are_not_ignored(
    resolver: Resolver, mode: str, *, ignore: bool, expected: str
):
    set_to(resolver, **{"tracking.mode": mode, "tracking.ignoreForwards": ignore})
    resolver.resolve(resolver.record(ROOT, mailbox="support@own.example", folder="Sent"))
    resolver.resolve(resolver.record(FORWARD))

    assert expected == method(resolver, "forward")
    ((looked,),) = resolver.rows(
        "SELECT x.evidence FROM resolver.decision x JOIN resolver.delivery d ON d.id = x.delivery_id"
        " JOIN resolver.message m USING (message_key) WHERE m.message_id = 'forward@x.example'"
    )
    named = [one for one in looked if one["points_to"] == "root@x.example" and one.get("cls") == "N"]
    assert ignore == ("forwards this message" in json.dumps(named))


def test_a_folder_outranks_likeness_and_never_headers(resolver: Resolver):
    """Folder-level tracking gives the record; likeness does not link elsewhere, an answer stays an answer."""
    set_to(resolver, **ALL)
    resolver.settings = replace(resolver.settings, rules={"folder-rule/deals": RecordRef("case", "9")})
    resolver.resolve(resolver.record(ROOT, mailbox="support@own.example", folder="Sent"))
    like = with_evidence(resolver.record(mail("like"), tracked_by="folder-rule/deals"), likeness="attribution 0.99")
    answer = resolver.record(mail("answer", answers=["root"]), tracked_by="folder-rule/deals")
    resolver.resolve(like, answer)

    assert ("Folder", "InReplyTo") == (method(resolver, "like"), method(resolver, "answer"))
    assert {("case", "9", "folder")} == set(
        resolver.rows(
            "SELECT regarding_type, regarding_id, regarding_source FROM resolver.activity WHERE subject LIKE 'Mail%%'"
        )
    )
