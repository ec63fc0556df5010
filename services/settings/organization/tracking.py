"""By what a message is tied to earlier ones: headers, folders, sent mail."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, StringConstraints

from services.domain.signing_keys import key_of
from services.mime.signatures import usable
from services.settings.declaring import About, Strict, setting
from services.settings.organization.tokens import listed

MOST_SERVERS = 50
MOST_KEYS = 200
Authserv = Annotated[str, StringConstraints(pattern=r"^[^\s;()\"=]+$", max_length=255, strict=True)]


def _usable(text: str) -> str:
    usable(key_of(text))
    return text


def _each_once(texts: tuple[str, ...]) -> tuple[str, ...]:
    names = [str(key_of(text).name) for text in texts]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"has several keys under {', '.join(twice)}: keep one of them")
    return texts


DkimKey = Annotated[str, StringConstraints(max_length=2_000, strict=True), AfterValidator(_usable)]


class Tracking(Strict):
    """Correlation without tokens and likeness (domain sections 2.3, 3.1 to 3.6)."""

    tracking_mode: Literal["best", "compatible"] = setting(
        "best",
        "tracking.mode",
        "Which evidence wins: our rule table (best), or the first hit in the product's order (compatible).",
        about=About("3.2", acts="resolver"),
    )
    tracking_folder_level: bool = setting(
        True,
        "tracking.folderLevel",
        "Track whatever lies in a folder that has a rule, and give it the rule's record.",
        about=About("3.6", row="Folder-level tracking", acts="fetcher"),
    )
    tracking_folder_wins: bool = setting(
        False,
        "tracking.folderWins",
        "A folder's record comes before those that people have chosen, and nobody can take it away; the product: on.",
        about=About("3.6", acts="resolver"),
    )
    tracking_headers: bool = setting(
        True,
        "tracking.headers",
        "Correlate by In-Reply-To and References.",
        about=About("3.4", row="Correlation by headers", acts="resolver"),
    )
    tracking_ignore_forwards: bool = setting(
        True,
        "tracking.ignoreForwards",
        "A forwarded mail does not continue the conversation that it shows.",
        about=About("3.2", acts="resolver"),
    )
    tracking_sent_items: bool = setting(
        True,
        "tracking.sentItems",
        "Read the Sent folder too, so that answers from another mail program are tracked.",
        about=About("2.3", acts="fetcher"),
    )
    tracking_trusted_authserv: Annotated[tuple[Authserv, ...], BeforeValidator(listed)] = setting(
        (),
        "tracking.trustedAuthserv",
        "Servers whose Authentication-Results are believed, by their authserv-id. They must remove forged ones.",
        about=About("3.5", unit="entries", acts="resolver"),
        max_length=MOST_SERVERS,
    )
    tracking_dkim_keys: Annotated[tuple[DkimKey, ...], BeforeValidator(listed), AfterValidator(_each_once)] = setting(
        (),
        "tracking.dkimKeys",
        "Keys by which we check DKIM signatures ourselves, each as SELECTOR._domainkey.DOMAIN and its DNS record.",
        about=About("3.5", unit="entries", acts="resolver"),
        max_length=MOST_KEYS,
    )
    tracking_same_organisation: bool = setting(
        False,
        "tracking.sameOrganisation",
        "Who writes from the domain of a participant belongs to the conversation too; public providers are left out.",
        about=About("3.5", acts="resolver"),
    )
