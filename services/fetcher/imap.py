"""One IMAP connection: open it, select, and the few commands that fetching needs."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from services.fetcher import failures
from services.fetcher.answers import KEYWORD
from services.fetcher.authentication import Credential, log_in, logged_in
from services.fetcher.folder_status import list_options, parse_status
from services.fetcher.folders import Folder, encode_name, parse_list, quoted
from services.fetcher.mechanisms import Auth, Password, Token
from services.fetcher.selected import Selected, examined, last
from services.fetcher.trust import trust
from services.fetcher.wire import Wire, speaking


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """
    Where and how to connect; ``seconds`` bounds each wait for the server.

    ``opens`` is the user whose mailbox is opened, where that is not the one who logs in.
    """

    host: str
    port: int
    tls: Literal["implicit", "starttls", "none"]
    seconds: float
    auth: Auth = "auto"
    ca_file: Path | None = None
    opens: str = ""

    def __str__(self) -> str:
        """Host and port, as errors name the server."""
        return f"{self.host}:{self.port}"


@dataclass(slots=True)
class Connection:
    """A logged-in session. Every method raises a :class:`failures.MailServerError` and nothing else."""

    server: Server
    wire: Wire = field(repr=False)
    opened: dict[str, Selected] = field(default_factory=dict, repr=False)
    """The folders that were opened or listed with their status, as they were then."""

    def folders(self) -> list[Folder]:
        """Return all folders with their attributes, and where they stand if the server says so in one answer."""
        options = list_options(self.wire.capabilities)
        utf8 = self.wire.utf8_enabled
        with speaking(str(self.server)):
            if not options:
                _, answers = self.wire.list()
                return parse_list(answers, utf8=utf8)
            if self.wire.state == "SELECTED":
                # STATUS may be old news of an open folder (RFC 9051 section 6.3.11). CLOSE expunges nothing here.
                self.wire.close()
            answers, statuses = self.wire.list_returning(options)
            known = parse_status(statuses, utf8=utf8)
            for name, at in known.items():
                self.opened[name] = Selected(uidvalidity=at.uidvalidity, uidnext=at.uidnext, mailbox_id=at.mailbox_id)
            return [replace(f, status=known.get(f.name)) for f in parse_list(answers, utf8=utf8)]

    def select(self, name: str) -> Selected:
        """Open a folder read-only (EXAMINE): no flag, not even Recent, is changed by reading."""
        with speaking(str(self.server)):
            argument = quoted(name if self.wire.utf8_enabled else encode_name(name))
            self.opened.pop(name, None)
            self.wire.untagged_responses.clear()
            status, text = self.wire.select(argument, readonly=True)
            if status != "OK":
                raise failures.FolderUnknown(f"there is no folder {name!r} that may be read on {self.server}")
            told = examined(self.wire.untagged_responses, text)
            if told is None:
                raise failures.ProtocolError(f"{self.server} gives no usable UIDVALIDITY or UIDNEXT for {name!r}")
        selected = self.opened[name] = Selected(
            uidvalidity=told.uidvalidity,
            uidnext=told.uidnext or self._after_last(told.exists),
            mailbox_id=told.mailbox_id,
        )
        return selected

    def exists(self) -> int | None:
        """Return how many mails the open folder has, as the server said last."""
        found = last(self.wire.untagged_responses.get("EXISTS"))
        return int(found) if found and found.isdigit() else None

    def may_idle(self) -> bool:
        """Whether the server offers IDLE (RFC 2177); some say so only to whom they know."""
        with speaking(str(self.server)):
            if "IDLE" in self.wire.capabilities:
                return True
            _, told = self.wire.capability()
            return b"IDLE" in (last(told) or b"").upper().split()

    def _after_last(self, exists: int) -> int:
        """Return the UID after the last mail, for servers that do not announce UIDNEXT."""
        if not exists:
            return 1
        found = re.search(rb"UID (\d+)", b" ".join(x for x in self.fetch("*", "(UID)") if isinstance(x, bytes)))
        return int(found.group(1)) + 1 if found else 1

    def fetch(self, uids: str, items: str) -> list[Any]:
        """
        Return the answers of UID FETCH as imaplib gives them.

        NO is not an error here: it is what servers say when a mail went away meanwhile (EXPUNGEISSUED), and
        what they gave before it stands.
        """
        with speaking(str(self.server)):
            self.wire.untagged_responses.pop("FETCH", None)
            status, answers = self.wire.uid("FETCH", uids, items)
            return answers if status == "OK" else self.wire.untagged_responses.pop("FETCH", [])

    def fetch_checked(self, uids: str, items: str) -> list[Any]:
        """Return the answers of UID FETCH; NO is an error, because a partial list would be taken for a whole one."""
        with speaking(str(self.server)):
            self.wire.untagged_responses.pop("FETCH", None)
            status, answers = self.wire.uid("FETCH", uids, items)
            if status != "OK":
                raise failures.ProtocolError(f"{self.server} does not list the mails of the folder")
            return answers

    def present(self, uids: Sequence[int]) -> frozenset[int]:
        """Return those of the UIDs that are in the folder now."""
        return self._searched(",".join(map(str, uids))) & frozenset(uids)

    def search(self, first: int, last: int) -> frozenset[int]:
        """Return the UIDs from ``first`` to ``last`` that are in the folder now."""
        return frozenset(uid for uid in self._searched(f"{first}:{last}") if first <= uid <= last)

    def flagged(self, since: int) -> frozenset[int] | None:
        """
        Return the UIDs with the keyword that were changed since this mod-sequence (RFC 7162); 0: all of them.

        None when the server does not say.
        """
        with speaking(str(self.server)):
            changed = ("MODSEQ", str(since)) if since else ()
            return self._found(*changed, "KEYWORD", KEYWORD)

    def _searched(self, uids: str) -> frozenset[int]:
        with speaking(str(self.server)):
            found = self._found("UID", uids)
            if found is None:
                raise failures.ProtocolError(f"{self.server} does not search the folder")
            return found

    def _found(self, *criteria: str) -> frozenset[int] | None:
        self.wire.untagged_responses.pop("SEARCH", None)
        status, answers = self.wire.uid("SEARCH", *criteria)
        if status != "OK":
            return None
        # RFC 7162 section 3.1.5: the answer may end with the highest mod-sequence, in parentheses.
        numbers = b" ".join(a for a in answers if isinstance(a, bytes)).partition(b"(")[0]
        return frozenset(int(word) for word in numbers.split())


@contextmanager
def session(server: Server, user: str, credential: Credential) -> Iterator[Connection]:
    """
    Connect, secure and log in; the connection is closed at the end, whatever happened.

    An access token that the server refuses is replaced once.
    """
    wire = logged_in(credential, lambda secret: _logged_in(server, user, secret))
    try:
        yield Connection(server, wire)
        # What was read stands, whatever becomes of the farewell.
        with suppress(Exception):
            wire.logout()
    finally:
        with suppress(Exception):
            wire.shutdown()


def _logged_in(server: Server, user: str, credential: Password | Token) -> Wire:
    with speaking(str(server)):
        context = trust(server.ca_file)
        wire = Wire(server.host, server.port, seconds=server.seconds, tls=context, implicit=server.tls == "implicit")
        try:
            if server.tls == "starttls":
                wire.secure(context)
            log_in(wire, user, credential, auth=server.auth, encrypted=server.tls != "none", opens=server.opens)
            if {"ENABLE", "UTF8=ACCEPT"} <= set(wire.capabilities):
                wire.enable("UTF8=ACCEPT")
        except BaseException:
            with suppress(Exception):
                wire.shutdown()
            raise
        return wire
