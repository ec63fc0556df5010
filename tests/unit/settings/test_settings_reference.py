"""The reference page is current, and what it says of where a setting acts is true."""

import json
import re

import pytest

from services.runtime.config import CHECKOUT
from services.settings import reference
from services.settings.declaring import about
from services.settings.models import KINDS
from services.settings.organization import Organization

PAGE = CHECKOUT / "services" / "settings" / "REFERENCE.md"
READ_FOR = {
    "fetcher": [CHECKOUT / "services" / "settings" / "permits.py"],
    "command line": [
        CHECKOUT / "services" / "settings" / "template.py",
        CHECKOUT / "services" / "cli" / "token_commands.py",
    ],
}
SERVICES = ("fetcher", "correlator", "resolver", "alerter", "sender", "console", "command line")


def test_the_page_is_what_the_declarations_say():
    """`mailweave settings docs > services/settings/REFERENCE.md` writes it anew."""
    assert reference.page() == PAGE.read_text("utf-8")


def test_every_field_of_every_object_is_on_the_page_with_its_meaning():
    for kind, model in KINDS.items():
        for name, field in model.model_fields.items():
            assert f"| `{field.alias or name}` |" in reference.page(), (kind, name)
            assert field.description, (kind, name)


@pytest.mark.parametrize("name", sorted(Organization.model_fields))
def test_a_setting_acts_where_it_says_and_nowhere_else(name):
    """No silent switch: one that nobody reads is marked as not yet acting, and one that is read is not."""
    used = {
        service
        for service in SERVICES
        for path in [*(CHECKOUT / "services" / service).rglob("*.py"), *READ_FOR.get(service, [])]
        if re.search(rf"\.{name}\b", path.read_text("utf-8"))
    }

    assert used == set(filter(None, about(Organization.model_fields[name]).acts.split(", ")))


def test_every_row_of_the_page_has_a_setting():
    rows = {about(field).row.partition(":")[0] for field in Organization.model_fields.values()} - {""}

    assert rows == {
        "Processing method",
        "Default synchronization method",
        "Process e-mail only for approved users",
        "Process e-mail only for approved queues",
        "Folder-level tracking",
        "Correlation by headers",
        "Tracking tokens",
        "Smart matching",
        "Track e-mail between two users as two activities",
        "Secure frames",
        "Allow sending with unresolved recipients",
        "Unresolved when several records match",
        "Apply the same address to all unresolved matches",
        "Maximum file size for attachments",
        "Alerts",
        "Notify mailbox owner",
    }


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_schema_is_json_and_has_every_field(kind):
    schema = json.loads(json.dumps(reference.schema(kind)))

    assert set(schema["properties"]) == {field.alias or name for name, field in KINDS[kind].model_fields.items()}
    assert schema["additionalProperties"] is False
