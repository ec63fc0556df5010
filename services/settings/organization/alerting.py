"""Which alerts are made, who hears of them, and how long what failed is kept."""

from services.settings.declaring import About, Strict, setting


class Alerting(Strict):
    """Domain sections 8 and 11."""

    alerts_error: bool = setting(
        True,
        "alerts.error",
        "Make alerts of level error.",
        about=About("8.1", row="Alerts: error", acts="alerter"),
    )
    alerts_warning: bool = setting(
        True,
        "alerts.warning",
        "Make alerts of level warning.",
        about=About("8.1", row="Alerts: warning", acts="alerter"),
    )
    alerts_information: bool = setting(
        True,
        "alerts.information",
        "Make alerts of level information.",
        about=About("8.1", row="Alerts: information", acts="alerter"),
    )
    alerts_notify_mailbox_owner: bool = setting(
        False,
        "alerts.notifyMailboxOwner",
        "Address alerts that are the concern of a server profile to the owners of its mailboxes too.",
        about=About("8.1", row="Notify mailbox owner", acts="alerter"),
    )
    alerts_retention_days: int = setting(
        30,
        "alerts.retentionDays",
        "How long a resolved alert is kept; 0: for ever.",
        about=About("8.1", unit="days", acts="alerter"),
        ge=0,
        le=3650,
    )
    monitor_item_retention_days: int = setting(
        90,
        "monitor.itemRetentionDays",
        "How long is kept what the rejection of a mail says: what was looked at, and why it did not count; 0: for ever."
        " Its reason and the raw mail stay.",
        about=About("11", unit="days", acts="resolver"),
        ge=0,
        le=3650,
    )
