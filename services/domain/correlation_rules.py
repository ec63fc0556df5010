"""The rule tables by which evidence counts, as an administrator reads them: the first line that hits decides."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.domain.evidence import OWN_TOKENS, Kind


class Mode(StrEnum):
    """Which table is in force."""

    BEST = "best"
    COMPATIBLE = "compatible"


class Smart(StrEnum):
    """What likeness may do."""

    OFF = "off"
    SUGGEST = "suggest"
    LINK = "link"


class Switch(StrEnum):
    """The setting that must be on for a line to hit."""

    HEADERS = "tracking.headers"
    TOKENS = "tracking.token.enabled"
    FOLDERS = "tracking.folderLevel"
    SMART = "tracking.smart.enabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """The settings of correlation. The thresholds are of confidence, 0 to 1."""

    mode: Mode = Mode.BEST
    headers: bool = True
    tokens: bool = True
    smart: Smart = Smart.SUGGEST
    ignore_forwards: bool = True
    link_threshold: float = 0.80
    suggest_threshold: float = 0.60

    def on(self, switch: Switch) -> bool:
        """Whether a line under this switch may hit. Folders are switched where mail is fetched."""
        if switch == Switch.HEADERS:
            return self.headers
        if switch == Switch.TOKENS:
            return self.tokens
        return switch != Switch.SMART or self.smart != Smart.OFF


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One line of a table.

    Without a ``switch`` it always may hit.
    ``confidence`` is what a hit is worth; None: the evidence says it itself, and the thresholds act. ``people``:
    somebody must take part in both mails. ``answer``: a mail that forwards what it points at does not hit, while
    forwards are ignored.
    """

    name: str
    kind: Kind
    switch: Switch | None
    confidence: float | None
    sentence: str
    people: bool = False
    answer: bool = True


MANUAL = Rule("manual", Kind.MANUAL, None, 1.0, "A person has said what it belongs to.", answer=False)
BEST = (
    MANUAL,
    Rule(
        "own-token",
        Kind.OWN_TOKEN,
        Switch.TOKENS,
        1.0,
        "It carries a token that only we can have made, in an id or in the address it was sent to.",
    ),
    Rule("direct-parent", Kind.IN_REPLY_TO, Switch.HEADERS, 1.0, "Its In-Reply-To names a tracked message."),
    Rule(
        "nearest-reference",
        Kind.REFERENCES,
        Switch.HEADERS,
        0.99,
        "Its References name a tracked message; the last one counts.",
    ),
    Rule(
        "own-subject-token",
        Kind.OWN_SUBJECT_TOKEN,
        Switch.TOKENS,
        0.98,
        "Its subject carries a token that only we can have made; whoever sees the mail listed has it.",
    ),
    Rule("subject-token", Kind.TRACKING_TOKEN, Switch.TOKENS, 0.98, "Its subject has the token of a tracked message."),
    Rule(
        "thread-index",
        Kind.THREAD_INDEX,
        Switch.HEADERS,
        0.95,
        "Its Thread-Index says that it belongs under a tracked message, and somebody takes part in both.",
        people=True,
    ),
    Rule(
        "folder",
        Kind.FOLDER,
        Switch.FOLDERS,
        1.0,
        "A person filed it under a record; no likeness links it elsewhere.",
        answer=False,
    ),
    Rule(
        "likeness",
        Kind.LIKENESS,
        Switch.SMART,
        None,
        "Subject, people, quoted text and numbers are like those of a tracked message, above the threshold.",
    ),
)
"""Our own: strongest evidence first, and abstaining where nothing is sure."""

COMPATIBLE = (
    MANUAL,
    Rule("in-reply-to", Kind.IN_REPLY_TO, Switch.HEADERS, 1.0, "Its In-Reply-To names a tracked message."),
    Rule(
        "references",
        Kind.REFERENCES,
        Switch.HEADERS,
        0.99,
        "Its References name a tracked message; the last one counts. The product does not look at them.",
    ),
    Rule(
        "tracking-token",
        Kind.TRACKING_TOKEN,
        Switch.TOKENS,
        0.98,
        "Its subject has the token of a tracked message.",
        answer=False,
    ),
    Rule(
        "conversation-index",
        Kind.THREAD_INDEX,
        Switch.HEADERS,
        0.95,
        "Its Thread-Index has the root of a tracked message's.",
        answer=False,
    ),
    Rule(
        "smart-matching",
        Kind.SMART_MATCHING,
        Switch.SMART,
        0.70,
        "As many words of the subject and addresses are the same as a tracked message's as the settings ask.",
        answer=False,
    ),
)
"""The product's order (domain rule 3.2), and References after In-Reply-To."""

TABLES = {Mode.BEST: BEST, Mode.COMPATIBLE: COMPATIBLE}
LINES: Mapping[Mode, Mapping[str, tuple[int, Rule]]] = {
    mode: {rule.kind: (place, rule) for place, rule in enumerate(table)} for mode, table in TABLES.items()
}
"""By mode and kind: the place of its line, and the line."""


REPORTED = "a report answers nothing: what it says is put on the mail that it tells of"
UNUSED: Mapping[tuple[Mode, str], str] = {
    (Mode.BEST, Kind.SMART_MATCHING): "the product's matching of hashes is used in compatible mode only",
    **{
        (Mode.COMPATIBLE, kind): "the product knows no tokens with a proof: used in best mode only"
        for kind in OWN_TOKENS
    },
    (Mode.COMPATIBLE, Kind.LIKENESS): "the product's matching of hashes is used instead in compatible mode",
    (
        Mode.COMPATIBLE,
        Kind.FOLDER,
    ): "the folder gives the record; what the mail answers is decided by the other evidence",
    (Mode.BEST, Kind.REPORT): REPORTED,
    (Mode.COMPATIBLE, Kind.REPORT): REPORTED,
}
"""Why a table has no line for a kind."""
