"""Over which session a check is made, and whether it stays open afterwards."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from services.fetcher import failures, imap, pop3
from services.fetcher.kept import INBOX, Kept, inbox_of
from services.settings.models import MailboxSettings, ServerProfile

_OF_NO_MORE_USE = (failures.ConnectionLost, failures.TimedOut, failures.Unreachable, failures.ProtocolError)

Connection = imap.Connection | pop3.Connection


def over(
    kept: Kept | None,
    connect: Callable[[], AbstractContextManager[Connection]],
    act: Callable[[Connection], None],
    *,
    under: tuple[MailboxSettings, ServerProfile],
    keep: Callable[[], bool],
) -> Kept | None:
    """
    Act over a kept session, or over a new one when there is none or it is of no more use; return one that may idle.

    So what fails over a kept session is done again from its beginning, and only a new one says that the mailbox cannot
    be read. ``keep`` is asked after it is done.
    """
    with ExitStack() as session:
        if kept is not None:
            session.callback(kept.close)
            try:
                act(kept.connection)
            except _OF_NO_MORE_USE:
                kept.close()
            else:
                if not keep():
                    return None
                session.pop_all()
                return _idle(kept.connection, kept.session, under)
        connection = session.enter_context(connect())
        act(connection)
        if isinstance(connection, imap.Connection) and keep():
            return _idle(connection, session.pop_all(), under)
    return None


def _idle(connection: imap.Connection, session: ExitStack, under: tuple[MailboxSettings, ServerProfile]) -> Kept | None:
    """
    Open the inbox once more, so that from here on the server tells of it, and see whether it has changed meanwhile.

    The check is done, so whatever goes wrong only ends the session.
    """
    settings, profile = under
    name = inbox_of(settings)
    try:
        before = next((at for opened, at in connection.opened.items() if opened.upper() == INBOX), None)
        if before is not None and name is not None and connection.may_idle():
            connection.opened.clear()  # of hundreds of folders, for as long as it idles
            changed = connection.select(INBOX) != before
            return Kept(
                connection=connection,
                profile=profile,
                settings=settings,
                session=session,
                exists=connection.exists(),
                changed=changed,
            )
    except failures.MailServerError:
        pass
    session.close()
    return None
