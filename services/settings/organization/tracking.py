"""By what a message is tied to earlier ones: headers, folders, sent mail."""

from typing import Literal

from services.settings.declaring import About, Strict, setting


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
        about=About("3.2"),
    )
    tracking_sent_items: bool = setting(
        True,
        "tracking.sentItems",
        "Read the Sent folder too, so that answers from another mail program are tracked.",
        about=About("2.3", acts="fetcher"),
    )
