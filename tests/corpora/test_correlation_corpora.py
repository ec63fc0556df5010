"""What correlation has reached on real mail stays reached, with a little slack."""

import pytest

from services.domain.likeness.rules import LINK
from tests.bench.correlation_corpora import LISTS, POOL, R_LISTS, UNSEEN, folder, module, sources
from tests.bench.correlation_runs import Blind, by_headers

pytestmark = pytest.mark.corpora


@pytest.fixture(scope="module")
def corpora():
    found = folder()
    if found is None:
        pytest.skip(UNSEEN)
    return found


@pytest.fixture(scope="module")
def pool(corpora):
    return next(rows for name, rows in sources(corpora) if name == POOL)


def test_without_headers_links_are_right_and_most_are_found(corpora, pool):
    blind = Blind(pool, module(corpora, "score_threads"))
    found, patchless = blind.score(LINK), blind.score(LINK, patches=False)

    assert 0.999 <= found["links_in_thread"]["p"]
    assert 0.985 <= found["links_in_thread"]["p_floor"]
    assert 0.970 <= found["links_in_thread"]["r"]
    assert 0.995 <= blind.score(LINK, subset="collide")["links_in_thread"]["p"]
    assert 0.002 >= found["new_conv_false_link"]
    assert 0.9995 <= patchless["links_in_thread"]["p"]
    assert 0.985 <= patchless["links_in_thread"]["r"]
    assert 0.0005 >= patchless["new_conv_false_link"]


def test_suggestions_are_few_and_mostly_right(corpora, pool):
    blind = Blind(pool, module(corpora, "score_threads"))
    tiers = [counted for (confidence, _), counted in blind.by_rule().items() if confidence < LINK]
    right, wrong = (sum(one[kind] for one in tiers) for kind in ("right", "wrong"))

    assert 2 / 3 <= right / (right + wrong)
    assert 0.03 >= sum(sum(one.values()) for one in tiers) / len(pool)


def test_lists_without_reply_marks_and_addresses_keep_their_precision(corpora):
    scorer = module(corpora, "score_threads")
    right = judged = 0
    for name, rows in sources(corpora):
        if name in R_LISTS:
            found = Blind(rows, scorer).score(LINK)
            judged += found["pred_links"]
            right += round(found["links_in_thread"]["p"] * found["pred_links"])

    assert 0.988 <= right / judged


def test_with_headers_the_order_of_arrival_does_not_matter(corpora):
    lists = [row for name, rows in sources(corpora) if name in LISTS for row in rows]
    links = module(corpora, "score_threads").score(lists, by_headers(lists, 7))["links_in_thread"]

    assert 1.0 == links["p"]
    assert 0.995 <= links["r"]
