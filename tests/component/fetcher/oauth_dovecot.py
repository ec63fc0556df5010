"""A Dovecot that lets in whom an authorisation server vouches for."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from services.cli.stack.bringing import bring, put_down
from services.cli.stack.dovecot import Dovecot, certificate_file
from services.cli.stack.home import run_folder
from services.cli.stack.ports import settle
from services.cli.stack.programs import search_path_of
from services.cli.stack.server import Site
from services.cli.stack.state import Ledger, State
from services.fetcher.imap import Server

_CONFIG = """
auth_mechanisms = plain login xoauth2 oauthbearer
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {file}
}}
"""
_OAUTH = """
introspection_url = {url}
introspection_mode = post
username_attribute = username
active_attribute = active
active_value = true
"""


class OAuthDovecot(Dovecot):
    """The stack's Dovecot with OAuth; ``introspection`` is asked about each token."""

    def __init__(self, introspection: str) -> None:
        self._introspection = introspection

    def prepare(self, site):
        command = super().prepare(site)
        file = site.folder(self.name) / "oauth2.conf.ext"
        file.write_text(_OAUTH.format(url=self._introspection), "utf-8")
        with (site.folder(self.name) / "dovecot.conf").open("a", encoding="utf-8") as config:
            config.write(_CONFIG.format(file=file))
        return command


@contextmanager
def running(home: Path, introspection: str) -> Iterator[Server]:
    """Start it in a folder of its own; ends it with all it left. Logins are encrypted by STARTTLS."""
    home.mkdir()
    dovecot = OAuthDovecot(introspection)
    state = State(run=str(run_folder(home)))
    ports = settle(dovecot.ports, {})
    site = Site(home=home, ports=ports, run=Path(state.run), environ={}, search_path=search_path_of(os.environ))
    ledger = Ledger(home, state)
    try:
        bring(dovecot, ledger=ledger, site=site, cancelled=Event())
        authority = certificate_file(home)
        yield Server(host="127.0.0.1", port=ports["imap"], tls="starttls", seconds=10, ca_file=authority)
    finally:
        for process in ledger.state.processes.values():
            put_down(dovecot, process, site)
