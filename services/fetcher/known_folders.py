"""By which id (MAILBOXID, RFC 8474) the folders are known that the settings name: a renamed one stays what it is."""

from services.fetcher.cursor import hold
from services.fetcher.ledger import StoredLedger


def know_as(stores: StoredLedger, asked: str, mailbox_id: str) -> None:
    """Note by which id a folder is known. Raises ``FenceLost`` when outrun."""
    with stores.database.transaction() as connection:
        hold(connection, stores.mailbox, stores.fence)
        connection.execute(
            "INSERT INTO fetcher.known_folder (mailbox, asked, mailbox_id) VALUES (%s, %s, %s)"
            " ON CONFLICT (mailbox, asked) DO UPDATE SET mailbox_id = excluded.mailbox_id",
            (stores.mailbox, asked, mailbox_id),
        )
