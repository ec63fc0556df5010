"""Dovecot, from Debian: the mailboxes, over IMAP and POP3."""

import imaplib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from services.cli.stack import certificate
from services.cli.stack.dovecot_config import text
from services.cli.stack.errors import NoAnswerError, StackError
from services.cli.stack.paths import locked, servers_folder
from services.cli.stack.programs import can_install, find, install, run
from services.cli.stack.server import Server, Site
from services.cli.stack.unprivileged import identity

_PACKAGES = ("dovecot-imapd", "dovecot-pop3d")
_MODULES = Path("/usr/lib/dovecot")


class Dovecot(Server):
    """Mail is kept in Maildirs under the home, written without fsync: it survives a kill, not a power cut."""

    name: ClassVar[str] = "dovecot"
    title: ClassVar[str] = "Dovecot"
    variable: ClassVar[str] = "MAILWEAVE_IMAP"
    ports: ClassVar[tuple[str, ...]] = ("imap", "imaps", "pop3")
    ready_seconds: ClassVar[float] = 30

    def prepare(self, site: Site) -> Sequence[str]:
        """Install Dovecot when that is ours to do; write configuration and certificate."""
        program = _program(site)
        who = identity(site.search_path)
        folder = site.folder(self.name)
        (folder / "mail").mkdir(parents=True, exist_ok=True)
        users = users_file(site.home)
        if not users.exists():
            users.touch(mode=0o600)
        pem, key = certificate_file(site.home), folder / "certificate.key"
        if not pem.exists():
            certificate.make(pem, key)
        config = folder / "dovecot.conf"
        config.write_text(
            text(
                folder=folder,
                run=site.run,
                ports=site.ports,
                user=who.user,
                group=who.group,
                pop3=(_MODULES / "pop3").exists(),
            ),
            "utf-8",
        )
        # What a killed master left would make the new one believe that it still runs.
        shutil.rmtree(site.run, ignore_errors=True)
        site.run.mkdir(parents=True, mode=0o755)
        who.own(folder)
        who.own(site.run)
        return [*who.prefix, program, "-F", "-c", str(config)]

    def address(self, site: Site) -> str:
        """``host:port`` of the plain IMAP port, which offers STARTTLS."""
        return site.address("imap")

    def ask(self, address: str, *, seconds: float) -> None:
        """Read the greeting and say goodbye."""
        host, _, port = address.rpartition(":")
        try:
            imaplib.IMAP4(host.strip("[]"), int(port), timeout=seconds).logout()
        except (OSError, ValueError, imaplib.IMAP4.error) as error:
            raise NoAnswerError(f"{error}") from error

    def after_end(self, site: Site) -> None:
        """Its sockets may lie in a folder of their own, outside the home."""
        shutil.rmtree(site.run, ignore_errors=True)


def users_file(home: Path) -> Path:
    """The file Dovecot reads users and passwords from."""
    return home / Dovecot.name / "users"


def certificate_file(home: Path) -> Path:
    """The certificate of the encrypted port and of STARTTLS; it vouches for itself."""
    return home / Dovecot.name / "certificate.pem"


def can_log_in(host: str, port: int, address: str, password: str) -> bool:
    """Whether Dovecot knows the user."""
    # LOGIN is ASCII only in imaplib; PLAIN (RFC 4616) carries UTF-8.
    said = b"\0".join([b"", address.encode(), password.encode()])
    try:
        with imaplib.IMAP4(host, port, timeout=5) as connection:
            connection.authenticate("PLAIN", lambda _challenge: said)
    except (imaplib.IMAP4.error, OSError):
        return False
    return True


def _program(site: Site) -> str:
    if not _installed(site) and can_install(site.search_path):
        with locked(servers_folder() / ".apt-lock"):
            if not _installed(site):
                install(_PACKAGES, environ=site.environ, search_path=site.search_path)
    program = find("dovecot", site.search_path)
    if program is None or not _installed(site):
        raise StackError(
            "Dovecot is not installed. On Debian or Ubuntu: apt-get install dovecot-imapd dovecot-pop3d "
            "(the command does it itself when root runs it). Or set MAILWEAVE_IMAP to the host:port of an "
            "IMAP server that exists."
        )
    version = run([program, "--version"], environ=site.server_environ(), what="dovecot --version", seconds=30)
    if not version.startswith("2.3"):
        raise StackError(
            f"The stack knows Dovecot 2.3, and this is {version.strip()}. Set MAILWEAVE_IMAP to the host:port of an "
            "IMAP server that exists."
        )
    return program


def _installed(site: Site) -> bool:
    return find("dovecot", site.search_path) is not None and (_MODULES / "imap").exists()
