"""The tracking token at the end of a subject, such as CRM:0001001."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints

from services.settings.declaring import About, Strict, setting

PREFIX_CHARACTERS = 20
MOST_FORMER_PREFIXES = 50


def _in_a_subject(prefix: str) -> str:
    if not prefix.isprintable():
        raise ValueError("must not hold control characters, since it stands in the subject: remove them")
    if prefix.isdecimal():
        raise ValueError("must hold something else than digits, since every number would be a token: add a mark")
    if prefix != prefix.strip():
        raise ValueError("must not begin or end with a blank, since mail programs drop it: remove the blank")
    return prefix


def listed(value: Any) -> Any:  # noqa: ANN401 - whatever the JSON holds
    """Turn a JSON list into the tuple that an immutable value needs."""
    return tuple(value) if isinstance(value, list) else value


Prefix = Annotated[
    str, StringConstraints(min_length=1, max_length=PREFIX_CHARACTERS, strict=True), AfterValidator(_in_a_subject)
]


class Tokens(Strict):
    """Domain section 3.5. A token that nobody was given matches nothing, whatever it looks like."""

    tracking_token_enabled: bool = setting(
        True,
        "tracking.token.enabled",
        "Put a token into the subject of sent mail, and correlate by tokens.",
        about=About("3.5", row="Tracking tokens", acts="resolver, command line"),
    )
    tracking_token_prefix: Prefix = setting(
        "CRM:",
        "tracking.token.prefix",
        "Begins each token; take another one for each installation.",
        about=About("3.5", row="Tracking tokens: prefix", unit="characters", acts="resolver, command line"),
    )
    tracking_token_prefix_history: Annotated[tuple[Prefix, ...], BeforeValidator(listed)] = setting(
        (),
        "tracking.token.prefixHistory",
        "Prefixes of earlier tokens, which still match. One that is replaced is added by itself; [] forgets them.",
        about=About("3.5", row="Tracking tokens: prefix", unit="entries", acts="resolver"),
        max_length=MOST_FORMER_PREFIXES,
    )
    tracking_token_base: int = setting(
        0,
        "tracking.token.base",
        "Is added to the number of the user.",
        about=About("3.5", row="Tracking tokens: deployment base tracking number", acts="command line"),
        ge=0,
        le=2_147_483_647,
    )
    tracking_token_user_digits: int = setting(
        3,
        "tracking.token.userDigits",
        "Digits of the user's number; a number that needs more gets more.",
        about=About("3.5", row="Tracking tokens: digits for user numbers", unit="digits", acts="command line"),
        ge=1,
        le=10,
    )
    tracking_token_counter_digits: int = setting(
        3,
        "tracking.token.counterDigits",
        "Digits of the count of the user's mails; with 3 it begins again after 999.",
        about=About("3.5", row="Tracking tokens: digits for message counter", unit="digits", acts="command line"),
        ge=1,
        le=9,
    )
    tracking_token_own_in_subject: bool = setting(
        False,
        "tracking.token.ownInSubject",
        "Have `mailweave token mint` give a token of our own for the subject too; one that comes in counts anyway.",
        about=About("3.5", acts="command line"),
    )
    tracking_subject_max_length: int = setting(
        255,
        "tracking.subjectMaxLength",
        "Longest subject that is sent, token included; the subject is cut, never the token.",
        about=About("3.5", unit="characters", acts="command line"),
        ge=255,
        le=400,
    )


def with_former_prefixes(before: Tokens, after: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """
    Return the new value with all former prefixes, so that their tokens still match; None stands for all defaults.

    They are those of ``before``, or what ``after`` says of them, and the prefix that is replaced.
    """
    value = dict(after or {})
    prefix = value.get("tracking.token.prefix", Tokens().tracking_token_prefix)
    known = value.get("tracking.token.prefixHistory", before.tracking_token_prefix_history)
    replaced = [before.tracking_token_prefix] if before.tracking_token_prefix not in (prefix, *known) else []
    former = [*replaced, *known][:MOST_FORMER_PREFIXES]
    if former or "tracking.token.prefixHistory" in value:
        value["tracking.token.prefixHistory"] = former
    return value if value or after is not None else None
