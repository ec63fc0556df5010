"""Mails made for tests of the thread graph: every tree, random forests, and the oracle that groups them."""

import itertools
import random
from collections.abc import Iterable, Iterator
from uuid import UUID, uuid5

from hypothesis import strategies as st

from services.domain.evidence import gather
from services.domain.message import MessageId
from services.domain.sightings import Sighting

Mail = tuple[str, tuple[str, ...]]
"""An id and the References, oldest first, of one copy of a mail."""

SPACE = UUID("6f1c1b5e-3f0e-5f0a-9a53-3d0c5a1f7e11")
_KEYS: dict[str, UUID] = {}


def key(mid: str) -> UUID:
    """Return the key of an id; remembered, because a uuid5 costs more than the graph."""
    if mid not in _KEYS:
        _KEYS[mid] = uuid5(SPACE, mid)
    return _KEYS[mid]


def sighting(mail: Mail) -> Sighting:
    """Return one copy as the correlator sees it: the last reference is In-Reply-To as well."""
    own, references = mail
    ids = [MessageId(r) for r in references]
    gathered = gather(MessageId(own), ids[-1:], ids, key=key)
    return Sighting(key("message " + own), key(own), MessageId(own), gathered.evidence, gathered.truncated)


def trees(size: int) -> Iterator[list[Mail]]:
    """
    Yield every shape of a rooted tree of so many mails once, each mail naming its parent only.

    Parents are numbered before children; with all orders of arrival every labelled tree is met.
    """
    met = set()
    for parents in itertools.product(*(range(n) for n in range(1, size))):
        shape = _shape(parents)
        if shape not in met:
            met.add(shape)
            yield [("0@x", ()), *((f"{n}@x", (f"{p}@x",)) for n, p in enumerate(parents, start=1))]


def _shape(parents: tuple[int, ...]) -> str:
    """Return a text that is equal for trees which differ in numbering only."""
    children: dict[int, list[str]] = {}
    for n in range(len(parents), 0, -1):
        children.setdefault(parents[n - 1], []).append(f"({''.join(sorted(children.get(n, ())))})")
    return "".join(sorted(children.get(0, ())))


@st.composite
def forests(draw: st.DrawFn) -> list[Mail]:
    """Draw mails that cite any ids: later ones, ghosts, themselves, repeats; some mails come as several copies."""
    ids = [f"{n}@x" for n in range(draw(st.integers(min_value=1, max_value=25)))]
    cited = st.lists(st.sampled_from([*ids, "ghost-a@x", "ghost-b@x", "ghost-c@x"]), max_size=4)
    mails = st.tuples(st.sampled_from(ids), cited.map(tuple))
    return draw(st.lists(mails, min_size=1, max_size=40))


def random_mails(seed: int, count: int) -> list[Mail]:
    """Make mails that cite up to three of their near neighbours or ghosts; every tenth comes as two copies."""
    chooser = random.Random(seed)
    mails: list[Mail] = []
    for n in range(count):
        near = [f"{max(0, n + chooser.randint(-6, 3))}@{seed}" for _ in range(chooser.choice((0, 0, 1, 1, 2, 3)))]
        if chooser.random() < 0.1:
            near.insert(0, f"ghost-{chooser.randrange(count // 4)}@{seed}")
        mails.append((f"{n}@{seed}", tuple(near)))
        if n % 10 == 0:
            mails.append((f"{n}@{seed}", (*near, f"{chooser.randrange(count)}@{seed}")))
    return mails


def grouping(threads: dict[str, object]) -> frozenset[frozenset[str]]:
    """Return which ids are together, whatever their thread is called."""
    met: dict[object, set[str]] = {}
    for mid, thread in threads.items():
        met.setdefault(thread, set()).add(mid)
    return frozenset(frozenset(one) for one in met.values())


def oracle(mails: Iterable[Mail]) -> frozenset[frozenset[str]]:
    """Return the grouping of a plain union-find over all ids."""
    parent: dict[str, str] = {}

    def find(mid: str) -> str:
        parent.setdefault(mid, mid)
        while parent[mid] != mid:
            parent[mid] = mid = parent[parent[mid]]
        return mid

    for own, cited in mails:
        for other in (own, *cited):
            parent[find(other)] = find(own)
    return grouping({mid: find(mid) for mid in list(parent)})
