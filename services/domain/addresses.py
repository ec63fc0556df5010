"""When two written addresses are the same address (domain rule 4.1)."""

from services.domain.domain_names import ascii_form, lowered


def normalise(address: str) -> str:
    """
    Return the form under which an address is looked up: trimmed, lower case, the domain in its ASCII form.

    RFC 5321 leaves the case of the local part to the receiver; in practice no receiver tells them apart, and
    a directory that does would lose mail. A text that is no address is returned trimmed and in lower case, so
    that it can match nothing but itself. Sub-addresses (``+tag``) are kept.
    """
    text = lowered(address.strip().strip("<>").strip())
    local, at, domain = text.rpartition("@")
    if not at:
        return text
    return f"{local}@{domain.rstrip('.') if domain.isascii() else ascii_form(domain)}"


def without_detail(address: str) -> str:
    """Return a normalised address without its detail: ``ada+news@…`` (RFC 5233) is ``ada@…``."""
    local, at, domain = address.rpartition("@")
    user, _, _ = local.partition("+")
    return f"{user}{at}{domain}" if user else address


def domain_of(address: str) -> str:
    """Return the domain of an address in the form of :func:`normalise`, or an empty string."""
    _, at, domain = normalise(address).rpartition("@")
    return domain if at else ""
