"""Moments that attributions state."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.likeness.stated_times import stated_times


def moment(local):
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=local)).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("text", "expected", "offset"),
    [
        ("On Tue, May 21, 2019 at 01:05:36PM +0530, Asmitha wrote", ["2019-05-21 13:05"], 330),
        ("On 2020-06-24 02:01, Ernest wrote", ["2020-06-24 02:01"], None),
        ("On Tue, 22 Nov 2022 at 12:58, Jonathan wrote", ["2022-11-22 12:58"], None),
        ("At 2019-05-13T11:48:19+0200, Florian wrote", ["2019-05-13 11:48"], 120),
        ("On Mon, Sep 28, 2020 at 02:03:12PM CDT, Jae wrote", ["2020-09-28 14:03"], -300),
        ("On 17-Jul-2019 01:10 PM, Patrick wrote", ["2019-07-17 13:10"], None),
        ("On 11/02/2019 4:26 a.m., Rolf wrote", ["2019-11-02 04:26", "2019-02-11 04:26"], None),
        ("Le jeu. 22 févr. 2024 à 10:05, Anne a écrit", ["2024-02-22 10:05"], None),
        ("Enviada em: quarta-feira, 11 de dezembro de 2024 08:59", ["2024-12-11 08:59"], None),
        ("2020年6月3日(水) 12:10 Sato", ["2020-06-03 12:10"], None),
        ("Am 29.05.19 um 19:33 schrieb Rob", ["2019-05-29 19:33"], None),
        ("On Mon, 15 Jul 2019, Avi wrote", ["2019-07-15 00:00"], None),
        ("no date, 12:30", [], None),
    ],
)
def test_what_a_text_states(text, expected, offset):
    found = stated_times(text)

    assert set(expected) <= {moment(one.local) for one in found}
    assert bool(expected) == bool(found)
    assert all(one.offset == offset for one in found)


def test_a_day_without_a_time_is_not_exact():
    assert [False] == [one.exact for one in stated_times("On Mon, 15 Jul 2019, Avi wrote")]


@given(st.text(max_size=300))
def test_no_text_breaks_it(text):
    stated_times(text)
