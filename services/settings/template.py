"""The default synchronization method as a template: what it makes of new mailboxes, and of those that are there."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.domain import default_mailbox
from services.domain.default_mailbox import PrincipalAddresses, Template
from services.domain.directory import RecordRef
from services.domain.errors import Refused
from services.settings.models import MailboxSettings, validate
from services.settings.organization import Organization
from services.settings.snapshot import Snapshot


def template_of(organization: Organization) -> Template | None:
    """Return the template; None while no server profile is named in it."""
    if organization.defaults_server_profile is None:
        return None
    return Template(
        profile=organization.defaults_server_profile,
        incoming=organization.defaults_incoming,
        outgoing=organization.defaults_outgoing,
        act=organization.defaults_act,
    )


def needed(organization: Organization) -> Template:
    """Return the template; ``Refused`` when there is none."""
    template = template_of(organization)
    if template is None:
        raise Refused("defaults.serverProfileId is null: there is no template without a server profile; set its id")
    return template


def made(
    snapshot: Snapshot, principals: Iterable[PrincipalAddresses], there_were: Mapping[str, RecordRef | None]
) -> dict[str, Any]:
    """
    Return the mailboxes that principals are to be given, by their settings keys; none while there is no template.

    ``there_were`` are the mailboxes of all times, by address, with their last owner: who had one that is removed is
    given none. Nobody has approved the new ones, and none is replaced. Addresses that no mailbox can have do not count.
    """
    template = template_of(snapshot.organization)
    if template is None:
        return {}
    owners = {RecordRef(m.owner.type, m.owner.id) for m in snapshot.mailboxes.values() if m.owner is not None}
    owned = {owner for a, owner in there_were.items() if owner is not None and a not in snapshot.mailboxes}
    found = default_mailbox.missing(
        (PrincipalAddresses(p.ref, [a for a in p.addresses if _possible(a)]) for p in principals),
        owners=owners | owned,
        addresses={*snapshot.mailboxes, *there_were},
    )
    return {
        f"mailbox/{one.address}": {
            "address": one.address,
            "owner": {"type": one.owner.type, "id": one.owner.id},
            "approved": False,
            **_fields(template),
        }
        for one in found
    }


def copied(template: Template, mailbox: MailboxSettings) -> dict[str, Any]:
    """Return the value of a mailbox with the template copied onto it; a forward mailbox keeps its methods."""
    value = mailbox.model_dump(mode="json", by_alias=True, exclude_unset=True)
    fields = {"serverProfile": template.profile} if mailbox.is_forward_mailbox else _fields(template)
    return {**value, **fields}


def _possible(address: str) -> bool:
    try:
        validate(f"mailbox/{address}", {"address": address, "incoming": "none"})
    except Refused:
        return False
    return True


def _fields(template: Template) -> dict[str, str]:
    return {
        "serverProfile": template.profile,
        "incoming": template.incoming,
        "outgoing": template.outgoing,
        "act": template.act,
    }
