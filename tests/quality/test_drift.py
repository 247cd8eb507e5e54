import json
import math
import random
from collections import Counter

import pandas as pd
import pytest

from quality.drift import MOVED, drift, stability_index


def night(**columns: dict[int, int]) -> pd.DataFrame:
    return pd.DataFrame([{"column": c, "bins": json.dumps(b)} for c, b in columns.items()])


def test_the_index_is_the_published_sum():
    # two groups, .5/.5 before and .8/.2 today
    want = 0.3 * math.log(0.8 / 0.5) - 0.3 * math.log(0.2 / 0.5)
    assert stability_index(Counter({0: 80, 1: 20}), Counter({0: 50, 1: 50})) == (pytest.approx(want), 2)
    assert stability_index(Counter({0: 5, 1: 5}), Counter({0: 50, 1: 50}))[0] == 0


def test_many_bins_are_cut_into_tenths_of_the_base():
    assert stability_index(Counter(range(1000)), Counter(range(1000))) == (0, 10)


def test_a_shift_is_told_and_said_to_be_unjudged_below_three_nights():
    before = night(clicks={61: 5000, 71: 5000}, plays={61: 10})
    today = night(clicks={61: 9000, 71: 1000}, plays={61: 9})
    (line,) = drift(today, [before, before])
    assert line == "clicks shifted: PSI 0.88 against 2 earlier nights; not judged: 2 of 3 nights"
    (line,) = drift(today, [before, before, before])
    assert line == "clicks shifted: PSI 0.88 against 3 earlier nights"
    assert drift(today, []) == [] and drift(before, [before]) == []


def test_chance_alone_is_not_drift():
    draw = random.Random(7)
    told = above = 0
    for _ in range(200):
        base, today = (Counter(draw.randrange(50) for _ in range(60)) for _ in range(2))
        above += stability_index(today, base)[0] >= MOVED
        told += len(drift(night(x=today), [night(x=base)]))
    # the bare threshold cries wolf on most of these nights
    assert above > 100 and told <= 4


def test_the_largest_shift_comes_first():
    before = night(a={1: 500, 2: 500}, b={1: 500, 2: 500})
    lines = drift(night(a={1: 700, 2: 300}, b={1: 950, 2: 50}), [before] * 3)
    assert [line.split()[0] for line in lines] == ["b", "a"]
