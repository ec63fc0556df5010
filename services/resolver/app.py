"""The resolver's wiring."""

import threading
from collections.abc import Callable
from functools import partial

import faust

from services.resolver import commands
from services.resolver.gate import DirectoryGate
from services.resolver.handlers import project, resolve
from services.resolver.jobs import JobWorker
from services.resolver.late_resolution import LateResolution
from services.resolver.merging import Merging
from services.resolver.new_mailboxes import NewMailboxes
from services.resolver.policy import settings_of
from services.resolver.retention import Retention
from services.resolver.settings import Settings
from services.runtime import kafka, lag
from services.runtime.retention import retain
from services.runtime.runtime import Runtime
from services.storage.blobs import BlobFolder
from services.storage.postgres import Database

OWNER = "resolver"


def build(runtime: Runtime) -> faust.App:
    """Return the stage: mail and directory from Kafka, jobs from PostgreSQL, events through the outbox."""
    config = runtime.config
    app = kafka.worker(OWNER, config)
    blobs = BlobFolder(config.blobs)

    def database() -> Database:
        return Database(config.postgres, OWNER)

    def settings() -> Settings:
        return settings_of(runtime.settings.snapshot, hash_key=config.hash_key, blobs=blobs)

    gate = DirectoryGate(database(), lag.ends(config.kafka, "directory"))
    jobs = JobWorker(database(), blobs, settings)
    # This sends, too, what a command that was cut off has left there.
    mailboxes = NewMailboxes(database(), config.postgres, published=runtime.drainer("settings").nudge)
    late = LateResolution(database(), settings)

    def days() -> int:
        return runtime.settings.snapshot.organization.monitor_item_retention_days

    old = Retention(database(), days)
    for name, work in (
        ("directory-gate", gate.watch),
        ("jobs", jobs.run),
        ("late-resolution", late.run),
        ("merging", Merging(database()).run),
        ("new-mailboxes", mailboxes.run),
        ("retention", partial(retain, old.forget, "old rejections", days=days)),
    ):
        threading.Thread(target=_guarded, args=(work, runtime), name=name, daemon=True).start()
    kafka.stage(
        app,
        "mail-correlated",
        partial(
            resolve,
            database=database(),
            settings=settings,
            announced=runtime.drainer(OWNER).nudge,
        ),
        runtime=runtime,
        gate=gate.is_open,
    )
    kafka.stage(
        app,
        commands.TOPIC,
        partial(
            commands.carry_out,
            database=database(),
            settings=settings,
            hash_key=config.hash_key,
            announced=runtime.drainer(OWNER).nudge,
        ),
        runtime=runtime,
    )
    kafka.stage(app, "directory", partial(project, database=database()), runtime=runtime)
    return app


def _guarded(work: Callable[[threading.Event], None], runtime: Runtime) -> None:
    """Run a thread of the resolver; without it the resolver is no resolver, so its end is the process's."""
    try:
        work(runtime.stopping)
    except Exception as error:  # noqa: BLE001 - handed to the process
        runtime.fail(error)
