"""Which pieces of running text two mails share: hashes of four words in a row, a sample that content chooses."""

from collections.abc import Collection
from zlib import crc32

MOST_SHINGLES = 64
"""How many hashes are kept of a text: the smallest, so that two samples of one text are alike."""

_ANCHORS = frozenset("dykg\u0433")
_WORDS = 4


def shingles(text: str, most: int = MOST_SHINGLES) -> tuple[int, ...]:
    """
    Return the sampled hashes of a text in lower case, ascending: those of the four words behind one that ends with
    certain letters, which is about every eighth of many languages.

    Quote marks and line breaks are no words, so a quote that was wrapped anew has the same hashes. Linear.
    """
    words = text.replace(">", " ").replace("|", " ").split()
    found = {
        crc32(" ".join(words[place : place + _WORDS]).encode("utf-8", "surrogatepass"))
        for place, word in enumerate(words[:-_WORDS], start=1)
        if word[-1] in _ANCHORS
    }
    return tuple(sorted(found)[:most])


def shared(quote: Collection[int], kept: Collection[int]) -> tuple[int, int]:
    """
    Return how many hashes of a quote a kept sample could have, and how many it has.

    A full sample ends at its largest hash; beyond that nothing is known of the text.
    """
    if len(kept) < MOST_SHINGLES:
        return len(quote), len(set(quote).intersection(kept))
    limit = max(kept)
    looked = {one for one in quote if one <= limit}
    return len(looked), len(looked.intersection(kept))
