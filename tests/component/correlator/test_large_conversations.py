"""Commands about conversations that are larger than what is walked under the lock of the graph."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from services.correlator import walking
from services.correlator.repair import CIRCLE, TOGETHER
from tests import forests
from tests.component.correlator.people import carry_out, command
from tests.component.correlator.test_repair import Keys, components, records, rows
from tests.component.correlator.writers import groups, write
from tests.component.databases import created
from tests.conftest import RunningStack
from tests.forests import Mail

pytestmark = pytest.mark.component

LARGE = walking.MOST_IDS + 1_000
LEAF, BEFORE = f"{LARGE - 1}@x", f"{LARGE - 2}@x"


def chain(size: int, name: str = "") -> list[Mail]:
    """A conversation in which each mail answers the one before."""
    return [(f"{name}{n}@x", (f"{name}{n - 1}@x",) if n else ()) for n in range(size)]


@contextmanager
def conversations(stack: RunningStack, template: str) -> Iterator[str]:
    """A database with a conversation that is too large, and a small one."""
    with created(stack.config.postgres, template) as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(forests, "_KEYS", Keys())
        mails = [*chain(LARGE), *chain(3, "other")]
        write(url, [mails[start : start + 1_000] for start in range(0, len(mails), 1_000)])
        yield url


@pytest.fixture(scope="module")
def large(stack: RunningStack, migrated_in_stack: str) -> Iterator[str]:
    with conversations(stack, migrated_in_stack) as url:
        yield url


def asked(url: str, kind: str, *ids: str) -> str:
    """Ask, and return why it was refused."""
    carry_out(url, command(kind, *ids))
    ((refused,),) = rows(url, "SELECT refused FROM correlator.command ORDER BY applied DESC LIMIT 1")
    return str(refused)


def sizes(url: str) -> list[int]:
    return sorted(len(one) for one in groups(url))


@pytest.mark.parametrize(
    "wish",
    [
        pytest.param(("split", LEAF), id="a split needs all that hangs together"),
        pytest.param(("split", "1@x"), id="a split at the top"),
        pytest.param(("unlink", "1@x", "0@x"), id="nearly all of it would move"),
        pytest.param(("relink", "1@x", "0@x", "other0@x"), id="and go elsewhere"),
    ],
)
def test_what_is_too_large_to_move_is_refused_with_the_number_and_nothing_changes(large: str, wish):
    edges = "SELECT count(*), count(removed_by) FROM correlator.edge"
    before = rows(large, edges)
    why = asked(large, *wish)

    assert f"more than {walking.MOST_IDS} messages and ids" in why
    assert before == rows(large, edges)
    assert [(0,)] == rows(large, "SELECT count(*) FROM correlator.cut")
    assert [] == records(large)


def test_at_the_edges_of_a_large_conversation_everything_but_a_split_works(stack: RunningStack, migrated_in_stack: str):
    with conversations(stack, migrated_in_stack) as url:
        assert "" == asked(url, "unlink", LEAF, BEFORE)
        assert [1, 3, LARGE - 1] == sizes(url)
        assert "" == asked(url, "merge", LEAF, BEFORE)
        assert TOGETHER == asked(url, "merge", LEAF, "1@x")
        assert "" == asked(url, "merge", "other0@x", "5@x")
        assert [LARGE + 3] == sizes(url)
        assert "" == asked(url, "relink", LEAF, BEFORE, "other2@x")
        assert CIRCLE == asked(url, "relink", "other0@x", "5@x", LEAF)
        assert [LARGE + 3] == sizes(url)

        write(url, [[("also@x", ("0@x", "2@x"))]])
        assert "" == asked(url, "unlink", "1@x", "0@x"), "the two hang together by another mail"
        assert [LARGE + 4] == sizes(url)
        assert components(url) == groups(url)


def test_half_of_a_large_conversation_moves(stack: RunningStack, migrated_in_stack: str):
    with conversations(stack, migrated_in_stack) as url:
        half = LARGE // 2
        assert "" == asked(url, "unlink", f"{half}@x", f"{half - 1}@x")

        assert [3, half, LARGE - half] == sizes(url)
        assert components(url) == groups(url)
        moved = [one["change"]["messages"] for name, one in records(url) if name == "ThreadChanged"]
        assert LARGE - half == sum(len(some) for some in moved)
        assert "" == asked(url, "split", f"{half + 10}@x"), "what is left is small enough"
