"""Dovecot 2.3's configuration for one stack: everything runs as one user and listens on loopback."""

from collections.abc import Mapping
from pathlib import Path

from services.cli.stack.ports import HOST


def text(*, folder: Path, run: Path, ports: Mapping[str, int], user: str, group: str, pop3: bool) -> str:
    """The whole file; nothing of the machine's own Dovecot is included."""
    pop3_login = _POP3.format(host=HOST, pop3=ports["pop3"]) if pop3 else ""
    return _TEXT.format(
        protocols="imap pop3" if pop3 else "imap",
        folder=folder,
        run=run,
        host=HOST,
        user=user,
        group=group,
        imap=ports["imap"],
        imaps=ports["imaps"],
        pop3_login=pop3_login,
    )


_POP3 = """
service pop3-login {{
  chroot =
  service_count = 0
  inet_listener pop3 {{
    address = {host}
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
protocol pop3 {{
  mail_max_userip_connections = 100
  pop3_uidl_format = %08Xu%08Xv
}}
"""

_TEXT = """\
protocols = {protocols}
listen = {host}
base_dir = {run}
state_dir = {run}/state
instance_name = mailweave
log_path = /dev/stderr
login_greeting = Mailweave's local mailboxes

default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1

# Passwords in the clear are for loopback; STARTTLS and the encrypted port are for those who want to see them work.
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/certificate.key

# One connection of each mailbox may idle, and all come from one address.
default_client_limit = 4000

auth_mechanisms = plain login
auth_username_chars =
auth_username_format = %Lu
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%Lu {folder}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail/%Lu
}}

mail_location = maildir:~/Maildir:LAYOUT=fs
mail_fsync = never
mailbox_idle_check_interval = 1 secs
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    auto = create
    special_use = \\Drafts
  }}
  mailbox Sent {{
    auto = create
    special_use = \\Sent
  }}
  mailbox Junk {{
    auto = create
    special_use = \\Junk
  }}
  mailbox Trash {{
    auto = create
    special_use = \\Trash
  }}
}}
protocol imap {{
  mail_max_userip_connections = 100
}}

service imap-login {{
  chroot =
  service_count = 0
  inet_listener imap {{
    address = {host}
    port = {imap}
  }}
  inet_listener imaps {{
    address = {host}
    port = {imaps}
    ssl = yes
  }}
}}
{pop3_login}
service imap {{
  process_limit = 1200
}}
service anvil {{
  chroot =
  # No waiting after a wrong password: all clients come from one address, and tests give wrong ones on purpose.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""
