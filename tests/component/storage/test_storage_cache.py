import pytest
import redis

from services.domain.errors import Retry
from services.storage.cache import redis_client, world

pytestmark = pytest.mark.component


def test_a_server_that_is_not_there_is_retried_and_the_password_is_not_told():
    client = redis_client("redis://:secret@127.0.0.1:1/0")

    with pytest.raises(Retry) as error, world():
        client.ping()

    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "error",
    [redis.ConnectionError("x"), redis.TimeoutError("x"), redis.BusyLoadingError("x"), redis.ReadOnlyError("x")],
)
def test_what_the_world_does_is_retried(error):
    with pytest.raises(Retry), world():
        raise error


def test_a_fault_of_ours_passes():
    with pytest.raises(KeyError), world():
        raise KeyError


def test_a_client_does_not_wait_for_ever():
    options = redis_client("redis://127.0.0.1:1/0").connection_pool.connection_kwargs

    assert options["socket_timeout"]
    assert options["socket_connect_timeout"]
