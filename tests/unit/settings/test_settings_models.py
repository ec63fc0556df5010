import json

import pytest

from services.domain.errors import Refused
from services.settings.models import KINDS, MailboxSettings, Organization, ServerProfile, validate
from tests.unit.contracts import examples

MAILBOX = {
    "address": "ada@example.org",
    "serverProfile": "main",
    "user": "ada",
    "credential": "mailbox/ada@example.org",
}
PROFILE = {"host": "imap.example.org", "port": 993}

# domain.md section 13 and the settings of ours; a changed default must be changed here too.
DEFAULTS = {
    "tracking.headers": True,
    "filter.scope": "allRecipients",
    "filter.forceUsers": -1,
    "filter.userDefault": 1,
    "filter.queueDefault": 0,
    "resolve.unresolveOnMultiple": False,
    "resolve.senderUnresolveOnMultiple": False,
    "resolve.senderMaxMatches": 100,
    "message.maxMb": 150,
    "approval.usersOnly": True,
    "approval.queuesOnly": True,
    "alerts.error": True,
    "alerts.warning": True,
    "alerts.information": True,
}


def test_the_defaults_are_those_of_the_product():
    assert DEFAULTS == Organization().model_dump(by_alias=True)


def test_a_server_profile_is_safe_unless_told_otherwise():
    profile = validate("server-profile/main", PROFILE)

    assert isinstance(profile, ServerProfile)
    assert ("implicit", 30, 10, 10) == (
        profile.tls,
        profile.timeout_seconds,
        profile.poll_seconds,
        profile.max_connections,
    )


def test_a_mailbox_reads_its_inbox_and_has_no_owner_unless_told_otherwise():
    mailbox = validate("mailbox/ada@example.org", MAILBOX)

    assert isinstance(mailbox, MailboxSettings)
    assert (None, ("INBOX",), True) == (mailbox.owner, mailbox.folders, mailbox.enabled)


@pytest.mark.parametrize(
    ("key", "field", "allowed", "refused"),
    [
        ("organization", "filter.forceUsers", (-1, 4), (-2, 5)),
        ("organization", "filter.userDefault", (0, 4), (-1, 5)),
        ("organization", "filter.queueDefault", (0, 4), (-1, 5)),
        ("organization", "resolve.senderMaxMatches", (1, 10_000), (0, 10_001)),
        ("organization", "message.maxMb", (1, 150), (0, 151)),
        ("organization", "filter.scope", ("allRecipients", "pollingMailbox"), ("all", None)),
        ("organization", "tracking.headers", (True, False), ("yes", 1, None)),
        ("server-profile/main", "port", (1, 65535), (0, 65536, "993", 99.5)),
        ("server-profile/main", "tls", ("implicit", "starttls", "none"), ("auto", True)),
        ("server-profile/main", "timeoutSeconds", (1, 100), (0, 101)),
        ("server-profile/main", "pollSeconds", (1, 86_400), (0, 86_401)),
        ("server-profile/main", "maxConnections", (1, 300), (0, 301)),
        ("server-profile/main", "host", ("h",), ("", 5)),
        ("mailbox/ada@example.org", "folders", (["INBOX", "Sent"],), ([], "INBOX", [1])),
        ("mailbox/ada@example.org", "enabled", (True, False), ("true", None)),
        ("mailbox/ada@example.org", "approved", (True, False), ("true", None)),
        ("mailbox/ada@example.org", "owner", (None, {"type": "user", "id": "u1"}), ({"type": "user"}, "u1")),
        ("mailbox/ada@example.org", "user", ("u",), ("",)),
        ("principal/user:u1", "filter", (0, 4, None), (-1, 5, "all", True)),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_the_bounds_of_every_field(key, field, allowed, refused):
    complete: dict[str, dict[str, object]] = {"server-profile": {**PROFILE}, "mailbox": {**MAILBOX}}
    base = complete.get(key.partition("/")[0], {})
    for value in allowed:
        validate(key, {**base, field: value})
    for value in refused:
        with pytest.raises(Refused) as error:
            validate(key, {**base, field: value})
        assert str(error.value).startswith(f"{key}: {field}")


def test_every_bounded_field_is_in_the_test_above():
    mark = next(m for m in test_the_bounds_of_every_field.pytestmark if m.name == "parametrize")
    tested = {(key.partition("/")[0], field) for key, field, _, _ in mark.args[1]}
    free = {("mailbox", "address"), ("mailbox", "serverProfile"), ("mailbox", "credential")}
    free |= {("organization", "resolve.unresolveOnMultiple"), ("organization", "resolve.senderUnresolveOnMultiple")}
    free |= {("organization", "approval.usersOnly"), ("organization", "approval.queuesOnly")}
    free |= {("organization", f"alerts.{level}") for level in ("error", "warning", "information")}

    declared = {(kind, f.alias or name) for kind, model in KINDS.items() for name, f in model.model_fields.items()}

    assert declared == tested | free


@pytest.mark.parametrize("field", ["address", "serverProfile", "user", "credential"])
def test_a_missing_field_is_named(field):
    with pytest.raises(Refused, match=rf"^mailbox/ada@example\.org: {field} is missing: give it$"):
        validate("mailbox/ada@example.org", {k: v for k, v in MAILBOX.items() if k != field})


@pytest.mark.parametrize("field", ["filter.usersDefault", "filter_user_default", "tracking.token.enabled"])
def test_an_unknown_field_is_refused_with_those_there_are(field):
    with pytest.raises(Refused) as error:
        validate("organization", {field: 1})

    assert f"unknown field {field!r}" in str(error.value)
    assert all(name in str(error.value) for name in DEFAULTS)


def test_the_refusal_names_key_field_value_and_bound():
    with pytest.raises(Refused) as error:
        validate("organization", {"filter.userDefault": 9})

    assert "organization: filter.userDefault is 9: input should be less than or equal to 4" == str(error.value)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "organisation",
        "organization/x",
        "organization/",
        "mailbox",
        "mailbox/",
        "principal/",
        "folder-rule/1",
        "x/y",
    ],
)
def test_what_is_no_settings_key_is_refused_with_those_there_are(key):
    with pytest.raises(Refused, match="expected organization, server-profile/ID"):
        validate(key, {})


def test_a_key_without_bound_is_refused():
    with pytest.raises(Refused, match="too long"):
        validate(f"principal/{'x' * 400}", {})


@pytest.mark.parametrize("value", [None, [], "x", 3])
def test_what_is_no_object_is_refused(value):
    with pytest.raises(Refused, match="must be an object"):
        validate("organization", value)


def test_the_address_of_a_mailbox_is_its_key():
    with pytest.raises(Refused, match=r"the key must be mailbox/ada@example\.org"):
        validate("mailbox/bob@example.org", {**MAILBOX, "address": "Ada@Example.ORG"})
    with pytest.raises(Refused, match="must be an e-mail address"):
        validate("mailbox/ada", {**MAILBOX, "address": "ada"})


def test_the_examples_of_the_topic_are_valid():
    shown = [good.value for good in examples.good() if good.record == "SettingsRecord"]
    for one in shown:
        if one["value"] is not None:
            validate(one["key"], json.loads(one["value"]))

    assert set(KINDS) == {one["key"].partition("/")[0] for one in shown}


def test_every_field_of_the_organization_says_what_it_does():
    for model in KINDS.values():
        for name, field in model.model_fields.items():
            if model is Organization:
                assert field.description, name


def test_a_value_in_force_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Organization().tracking_headers = False
