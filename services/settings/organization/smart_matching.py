"""Correlation by likeness of subject and participants."""

import re
import warnings
from typing import Annotated, Literal

from pydantic import AfterValidator

from services.settings.declaring import About, Strict, setting

LARGEST = 2_147_483_647


def _compiles(pattern: str) -> str:
    if not pattern.isprintable():
        raise ValueError("must hold printable characters only: write others as escapes, such as \\t")
    try:
        with warnings.catch_warnings(action="error"):
            re.compile(pattern)
    except (re.error, RecursionError, OverflowError, Warning) as error:
        raise ValueError(f"must be a regular expression ({error}): correct it") from None
    return pattern


class SmartMatching(Strict):
    """Domain section 3.7: the switch and the product's parameters."""

    tracking_smart_enabled: Literal["off", "suggest", "link"] = setting(
        "suggest",
        "tracking.smart.enabled",
        "What likeness may do: nothing, suggest a conversation to a person, or link by itself.",
        about=About("3.7", row="Smart matching", acts="resolver"),
    )
    tracking_smart_filter_regex: Annotated[str, AfterValidator(_compiles)] = setting(
        r"^[\s]*([\w]+\s?:[\s]*)+",
        "tracking.smart.filterRegex",
        "What is taken out of a subject before its words are compared. One that takes over a second is given up.",
        about=About("3.7", row="Smart matching: parameters", unit="characters", acts="resolver"),
        max_length=500,
    )
    tracking_smart_max_count: int = setting(
        20,
        "tracking.smart.maxCount",
        "So many words of the subject, and so many addresses, are compared.",
        about=About("3.7", row="Smart matching: parameters", acts="resolver"),
        ge=0,
        le=LARGEST,
    )
    tracking_smart_delta_subject: int = setting(
        0,
        "tracking.smart.deltaSubject",
        "By so many words two subjects may differ.",
        about=About("3.7", row="Smart matching: parameters", unit="words", acts="resolver"),
        ge=0,
        le=LARGEST,
    )
    tracking_smart_min_address: int = setting(
        2,
        "tracking.smart.minAddress",
        "So many addresses must be the same.",
        about=About("3.7", row="Smart matching: parameters", unit="addresses", acts="resolver"),
        ge=0,
        le=LARGEST,
    )
    tracking_smart_lookback_days: int = setting(
        90,
        "tracking.smart.lookbackDays",
        "How far back mails are compared.",
        about=About("3.7", unit="days", acts="resolver"),
        ge=1,
        le=3650,
    )
    tracking_smart_link_threshold: float = setting(
        0.80,
        "tracking.smart.linkThreshold",
        "From this confidence on, likeness links by itself, where it may.",
        about=About("3.7", acts="resolver"),
        ge=0.5,
        le=1.0,
    )
    tracking_smart_suggest_threshold: float = setting(
        0.60,
        "tracking.smart.suggestThreshold",
        "From this confidence on, a likely conversation is suggested to a person.",
        about=About("3.7", acts="resolver"),
        ge=0.5,
        le=1.0,
    )
