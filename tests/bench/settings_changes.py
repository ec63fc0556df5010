"""How long a change of the settings takes: from its commit until every service that runs has it in force."""

import time
from contextlib import closing

from services.cli.settings_wait import drain_outbox
from services.runtime import config, status
from services.settings import publisher
from services.storage.cache import redis_client
from tests.bench.installation import Installation
from tests.bench.trickle import percentile


def measure(world: Installation, count: int) -> dict[str, float]:
    """
    Change a setting ``count`` times, half a second apart; return the percentiles of seconds until all have it.

    The clock starts when the change is committed, before its record is sent, and ends when the last of the services
    says that the version is in force; they say so at once.
    """
    given = config.load({**world.environ, "MAILWEAVE_HOME": str(world.home)})
    took: list[float] = []
    with closing(redis_client(given.redis)) as redis:
        for number in range(count):
            change = {"organization": {"alerts.retentionDays": 31 + number % 2}}
            version = publisher.publish(given.postgres, change, author="bench", reason="", base_version=None)
            began = time.time()
            drain_outbox(given)
            while any(one.settings_version < version for one in status.running(redis)):
                if time.time() - began > 30:
                    raise SystemExit(f"bench: after 30 s settings version {version} is not known to every service")
                time.sleep(0.01)
            took.append(time.time() - began)
            time.sleep(0.5)
    return {f"p{share * 100:.0f}": round(percentile(took, share), 2) for share in (0.5, 0.95, 1)}
