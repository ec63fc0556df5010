"""Putting mails into the local IMAP server, as a mail server would deliver them."""

import hashlib
import imaplib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

from services.cli.demo.material import Post
from services.domain.errors import Refused

_SECONDS = 30


@contextmanager
def _session(address: str, user: str, password: str) -> Iterator[imaplib.IMAP4]:
    host, _, port = address.rpartition(":")
    try:
        session = imaplib.IMAP4(host, int(port), timeout=_SECONDS)
        try:
            session.login(user, password)
            yield session
        finally:
            session.logout()
    except (OSError, imaplib.IMAP4.error) as error:
        raise Refused(f"The IMAP server at {address} did not take mail for {user}: {error}") from error


def _present(session: imaplib.IMAP4) -> set[str]:
    """The hashes of what lies in INBOX."""
    session.select("INBOX", readonly=True)
    _, answers = session.uid("FETCH", "1:*", "(BODY.PEEK[])")
    return {hashlib.sha256(a[1]).hexdigest() for a in answers if isinstance(a, tuple)}


def _append(session: imaplib.IMAP4, post: Post) -> None:
    when = imaplib.Time2Internaldate(post.received)
    status, answer = session.append("INBOX", "", when, post.raw)
    if status != "OK":
        raise Refused(f"The IMAP server refused the mail {post.name}: {answer!r}")


def deliver(address: str, posts: Sequence[Post], password: str) -> list[Post]:
    """
    Append the mails that are not there yet to the INBOX of their mailboxes and return those.

    A mail that a mailbox holds already, byte by byte, is left alone, so the demonstration can be run again.
    """
    fresh: list[Post] = []
    for mailbox, group in groupby(posts, key=lambda post: post.mailbox):
        with _session(address, mailbox, password) as session:
            fresh.extend(_deliver(session, group))
    return fresh


def _deliver(session: imaplib.IMAP4, posts: Iterable[Post]) -> Iterator[Post]:
    present = _present(session)
    for post in posts:
        if hashlib.sha256(post.raw).hexdigest() not in present:
            _append(session, post)
            yield post
