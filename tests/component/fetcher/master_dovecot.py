"""A Dovecot with a master user: one login that may open every mailbox."""

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

USERS = ("ada@example.org", "ben@example.org")

_CONFIG = """
auth_master_user_separator = *
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {file}
  master = yes
  result_success = continue
}}
"""


class MasterDovecot(Dovecot):
    """The stack's Dovecot, with users, each with a password of the same letters, and one ``master``."""

    def prepare(self, site):
        command = super().prepare(site)
        file = site.folder(self.name) / "masters"
        file.write_text("master:of them all\n", "utf-8")
        users = "".join(f"{user}:{user}\n" for user in USERS)
        (site.folder(self.name) / "users").write_text(users, "utf-8")
        path = site.folder(self.name) / "dovecot.conf"
        path.write_text(_CONFIG.format(file=file) + path.read_text("utf-8"), "utf-8")
        return command


@contextmanager
def running(home: Path) -> Iterator[Server]:
    """Start it in a folder of its own; ends it with all it left."""
    home.mkdir()
    dovecot = MasterDovecot()
    state = State(run=str(run_folder(home)))
    ports = settle(dovecot.ports, {})
    site = Site(home=home, ports=ports, run=Path(state.run), environ={}, search_path=search_path_of(os.environ))
    ledger = Ledger(home, state)
    try:
        bring(dovecot, ledger=ledger, site=site, cancelled=Event())
        yield Server(host="127.0.0.1", port=ports["imap"], tls="starttls", seconds=10, ca_file=certificate_file(home))
    finally:
        for process in ledger.state.processes.values():
            put_down(dovecot, process, site)
