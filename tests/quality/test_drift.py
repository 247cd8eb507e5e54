import json
import math
import random
from collections import Counter

import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon

from quality.drift import MOVED, SHIFTED, drift, shift, shifts, with_shifts


def night(**columns: dict[int | None, int]) -> pd.DataFrame:
    """A profile: column -> bin -> count; None is the bin of nulls."""
    rows = [
        {
            "column": c,
            "bins": json.dumps({k: n for k, n in b.items() if k is not None}),
            "null_count": b.get(None, 0),
        }
        for c, b in columns.items()
    ]
    return pd.DataFrame(rows)


def test_the_index_is_the_published_sum():
    # two groups, .5/.5 before and .8/.2 today
    want = 0.3 * math.log(0.8 / 0.5) - 0.3 * math.log(0.2 / 0.5)
    assert shift(Counter({0: 80, 1: 20}), Counter({0: 50, 1: 50})).psi == pytest.approx(want)
    assert shift(Counter({0: 5, 1: 5}), Counter({0: 50, 1: 50})).psi == 0


def test_the_divergence_of_jensen_and_shannon_is_a_second_implementations():
    today, base = Counter({0: 80, 1: 20}), Counter({0: 50, 1: 50})
    assert shift(today, base).jensen_shannon == pytest.approx(jensenshannon([80, 20], [50, 50], base=2) ** 2)
    # nothing in common is 1 bit, the same is 0, whatever the sizes
    assert shift(Counter({0: 7}), Counter({9: 1000})).jensen_shannon == pytest.approx(1)
    assert shift(Counter({0: 3, 5: 6}), Counter({0: 50, 5: 100})).jensen_shannon == pytest.approx(0, abs=1e-12)


def test_what_leaves_the_range_of_one_value_has_moved_either_way():
    """A column that turned to nothing, or from it: the two cases that matter most."""
    for was, now in ((61, 0), (0, 61), (0, -61)):
        found = shift(Counter({now: 900, was: 100}), Counter({was: 1000}))
        assert found.psi > SHIFTED > found.chance and found.jensen_shannon > 0.5, (was, now)
    for some in (1, 50):  # also where a few were there before
        assert shift(Counter({0: 1000}), Counter({0: some, 61: 1000 - some})).psi > SHIFTED
        assert shift(Counter({0: 1000}), Counter({0: some, 61: 500, 71: 500 - some})).psi > SHIFTED


def test_many_bins_are_cut_into_tenths_of_the_base():
    alike = shift(Counter(range(1000)), Counter(range(1000)))
    assert (alike.psi, alike.chance) == (0, (9 + 3 * math.sqrt(18)) * 2 / 1000)


def test_the_stored_profile_holds_both_and_nothing_where_there_was_nothing():
    today = night(clicks={61: 9000, 71: 1000}, fresh={61: 9})
    found = shifts(today, [night(clicks={61: 5000, 71: 5000})] * 4)
    kept = with_shifts(today, found, 4).set_index("column")
    assert (
        kept.loc["clicks", "psi"] == found["clicks"].psi > 0.8
        and kept.loc["clicks", "jensen_shannon"] == found["clicks"].jensen_shannon
    )
    assert math.isnan(kept.loc["fresh", "psi"]) and math.isnan(kept.loc["fresh", "jensen_shannon"])
    assert list(kept["nights_before"]) == [4, 4] and list(kept["bins"]) == list(today["bins"])


def test_a_shift_is_told_and_said_to_be_unjudged_below_three_nights():
    before = night(clicks={61: 5000, 71: 5000}, plays={61: 10})
    today = night(clicks={61: 9000, 71: 1000}, plays={61: 9})
    (line,) = drift(shifts(today, [before] * 2), 2)
    assert line == "clicks shifted: PSI 0.88, Jensen–Shannon 0.15 against 2 earlier nights; not judged: 2 of 3 nights"
    (line,) = drift(shifts(today, [before] * 3), 3)
    assert line == "clicks shifted: PSI 0.88, Jensen–Shannon 0.15 against 3 earlier nights"
    assert shifts(today, []) == {} and drift(shifts(before, [before]), 1) == []


def test_a_column_that_turns_to_nulls_or_from_them_has_shifted():
    """The producer drops a field: every value of the column is null, and no rule of the gate forbids that."""
    before = night(energy={61: 600, 71: 400}, rare={None: 990, 61: 10})
    lines = drift(shifts(night(energy={None: 1000}, rare={None: 985, 61: 15}), [before] * 3), 3)
    assert len(lines) == 1 and lines[0].startswith("energy shifted: PSI")
    back = drift(shifts(before, [night(energy={None: 1000}, rare={None: 990, 61: 10})] * 3), 3)
    assert len(back) == 1 and back[0].startswith("energy shifted")


def test_chance_alone_is_not_drift():
    draw = random.Random(7)
    told = above = 0
    for _ in range(200):
        base, today = (Counter(draw.randrange(50) for _ in range(60)) for _ in range(2))
        found = shift(today, base)
        above += found.psi >= MOVED
        told += len(drift({"x": found}, 1))
    # the bare threshold cries wolf on most of these nights
    assert above > 100 and told <= 4


def test_the_largest_shift_comes_first():
    before = night(a={1: 500, 2: 500}, b={1: 500, 2: 500})
    lines = drift(shifts(night(a={1: 700, 2: 300}, b={1: 950, 2: 50}), [before] * 3), 3)
    assert [line.split()[0] for line in lines] == ["b", "a"]
