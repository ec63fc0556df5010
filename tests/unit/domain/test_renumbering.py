"""Which mails of a folder that is numbered anew are known: never one delivery twice, never a mail for another."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.domain.renumbering import Former, Seen, alike, equal, repeated, unstored

NOW = datetime(2026, 11, 28, tzinfo=UTC)
times = st.integers(0, 2).map(lambda n: NOW + timedelta(seconds=n))
sizes = st.integers(1, 3)
hashes = st.sampled_from(["", "aa", "bb", "cc"])
formers = st.lists(st.tuples(times, sizes, hashes), max_size=12).map(
    lambda given: [Former(UUID(int=n), *one) for n, one in enumerate(given)]
)
mails = st.lists(st.tuples(times, sizes), max_size=12).map(
    lambda given: [Seen(n, *one) for n, one in enumerate(given, 1)]
)
contents = st.dictionaries(st.integers(1, 12), st.sampled_from(["aa", "bb", "cc"]), max_size=12)


@given(contents, formers)
def test_equal_bytes_are_known_as_often_as_they_were_and_in_order(new, before):
    found = equal(new, before)

    assert len(set(found.values())) == len(found)
    by_id = {former.id: former.sha256 for former in before}
    assert all(by_id[id_] == new[uid] for uid, id_ in found.items())
    there, were = Counter(new.values()), Counter(former.sha256 for former in before)
    assert Counter(new[uid] for uid in found) == there & were
    for sha256 in there:
        of_it = [found[uid] for uid in sorted(found) if new[uid] == sha256]
        assert of_it == sorted(of_it)


@given(mails, formers)
def test_what_seems_alike_is_the_only_one_of_its_date_and_size(seen, before):
    for uid, former in alike(seen, before).items():
        (mail,) = [one for one in seen if (one.received, one.size) == (former.received, former.size)]
        assert uid == mail.uid
        assert [former] == [one for one in before if (one.received, one.size) == (mail.received, mail.size)]
        assert former.sha256


@given(mails, formers)
def test_what_was_never_stored_is_known_by_date_and_size_once(seen, before):
    found = unstored(seen, before)

    assert len(set(found.values())) == len(found)
    by_uid, by_id = {one.uid: one for one in seen}, {one.id: one for one in before}
    for uid, id_ in found.items():
        assert (by_uid[uid].received, by_uid[uid].size) == (by_id[id_].received, by_id[id_].size)
        assert not by_id[id_].sha256


@given(formers.filter(bool), st.sampled_from(["", "aa", "bb"]), sizes, st.none() | times)
def test_a_mail_comes_once_more_when_its_bytes_do_or_where_they_were_not_kept_its_date_and_size(
    before, sha256, size, received
):
    there = before[0]
    again = repeated(there, received=received, size=size, sha256=sha256)

    if there.sha256 and sha256:
        assert again == (there.sha256 == sha256)
    else:
        assert again == (there.size == size and (received is None or received == there.received))
    assert repeated(there, received=there.received, size=there.size, sha256=there.sha256)
