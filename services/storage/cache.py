"""Redis: what may be lost at any time. Its failures are the world's."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from services.domain.errors import Retry

_OUT_OF_MEMORY = "command not allowed when used memory"  # the words of all versions, also from within a script


def redis_client(url: str) -> "redis.Redis":
    """Return a client with time-outs; nothing is connected before the first command."""
    return redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5, health_check_interval=30)


class OutOfMemory(Retry):
    """Redis takes nothing more in; what it holds can be read."""


@contextmanager
def world() -> Iterator[None]:
    """Raise every failure of Redis inside as ``Retry``, one for want of memory as :class:`OutOfMemory`."""
    try:
        yield
    except redis.RedisError as error:
        if _OUT_OF_MEMORY in str(error):
            raise OutOfMemory(f"Redis: {error}") from error
        raise Retry(f"Redis: {' '.join(str(error).split()) or type(error).__name__}") from error
