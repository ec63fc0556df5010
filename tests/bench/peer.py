"""django-mailbox on the same mails, from the same IMAP server into the same PostgreSQL, in one process."""

import os
import subprocess
import sys
import time
import venv
from pathlib import Path

from psycopg import conninfo

from tests.bench.accounting import Meter
from tests.bench.installation import PASSWORD, Installation, figures

PACKAGES = ("django-mailbox==4.10.1", "django>=4.2,<5.3", "psycopg[binary]>=3.2", "setuptools<80")
_PROGRAM = """
import sys, urllib.parse
import django
from django.conf import settings
address, host, port, password, name, user, secret, dbhost, dbport, media = sys.argv[1:]
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django_mailbox"], MEDIA_ROOT=media,
    DEFAULT_AUTO_FIELD="django.db.models.AutoField", USE_TZ=True, SECRET_KEY="x",
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": name, "USER": user, "PASSWORD": secret,
                           "HOST": dbhost, "PORT": dbport}})
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django_mailbox.models import Mailbox
uri = f"imap://{urllib.parse.quote(address, safe='')}:{urllib.parse.quote(password)}@{host}:{port}"
mailbox = Mailbox.objects.create(name="bench", uri=uri)
print("ready", flush=True)
sys.stdin.readline()
print(sum(1 for _ in mailbox.get_new_mail()), flush=True)
sys.stdin.readline()
"""


def measure(world: Installation, folder: Path, mails: list[bytes]) -> dict[str, object]:
    """Return its figures; raises SystemExit when it does not store every mail."""
    address = "peer@crm.example"
    world.append(address, mails)
    environment = folder / "peer"
    venv.create(environment, with_pip=True)
    python = str(environment / "bin" / "python")
    subprocess.run([python, "-m", "pip", "-q", "--disable-pip-version-check", "install", *PACKAGES], check=True)
    with world.database() as connection:
        connection.execute("CREATE DATABASE peer")
    where = conninfo.conninfo_to_dict(world.environ["MAILWEAVE_POSTGRES"])
    host, _, port = world.environ["MAILWEAVE_IMAP"].rpartition(":")
    arguments = [address, host, port, PASSWORD, "peer", where["user"], where["password"], where["host"], where["port"]]
    program = subprocess.Popen(
        [python, "-c", _PROGRAM, *map(str, arguments), str(environment / "media")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PATH": os.environ["PATH"]}, stderr=sys.stderr,
    )  # fmt: skip
    assert program.stdin is not None
    assert program.stdout is not None
    try:
        if program.stdout.readline().strip() != "ready":
            raise SystemExit("bench: django-mailbox did not start")
        servers = {name: pid for name, pid in world.roots().items() if name in ("postgres", "dovecot")}
        meter = Meter(lambda: servers | {"django-mailbox": program.pid})
        began = time.time()
        with meter.running():
            program.stdin.write("go\n")
            program.stdin.flush()
            stored = int(program.stdout.readline() or 0)
        seconds = time.time() - began
    finally:
        program.kill()
        program.wait()
    if stored != len(mails):
        raise SystemExit(f"bench: django-mailbox stored {stored} of {len(mails)} mails")
    return figures(len(mails), seconds, meter.cpu)
