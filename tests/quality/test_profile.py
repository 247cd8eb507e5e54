import json
import math
import random

import pandas as pd
import pyarrow as pa
import pytest

from lake.schema import Column, struct
from quality.profile import COUNTS, MISSING, measures, partial_profile, profile
from tests.quality.rows import CLEAN, TOY, row, toy

NAN, INF = float("nan"), float("inf")


def counted(values, column, kind):
    return dict(zip(COUNTS, partial_profile(pa.array(values, kind), column)["counts"], strict=True))


@pytest.mark.parametrize(
    ("values", "column", "kind", "broken"),
    [
        ([1.0, None, None], Column("x", "double", "m"), pa.float64(), {"null_count": 2}),
        ([1.0, NAN, INF, -INF], Column("x", "double", "m"), pa.float64(), {"not_finite_count": 3}),
        (
            [-1.0, 0.0, 1.0, 1.5, INF],
            Column("x", "double", "m", low=0, high=1),
            pa.float64(),
            {"not_finite_count": 1, "below_count": 1, "above_count": 2},
        ),
        ([-1, 0, 5], Column("x", "bigint", "m", low=0), pa.int64(), {"below_count": 1}),
        (
            ["a", "b", None],
            Column("x", "string", "m", values=("a",)),
            pa.string(),
            {"null_count": 1, "outside_count": 1},
        ),
        # rows, not elements, are counted
        (
            [["a"], ["b", "c"], [], None],
            Column("x", "array<string>", "m", values=("a",)),
            pa.list_(pa.string()),
            {"null_count": 1, "outside_count": 1},
        ),
        (
            [[None, None], [1, -1, -2]],
            Column("x", "array<bigint>", "m", low=0),
            pa.list_(pa.int64()),
            {"null_element_count": 1, "below_count": 1},
        ),
        ([[NAN, NAN], [0.5]], Column("x", "array<double>", "m"), pa.list_(pa.float64()), {"not_finite_count": 1}),
    ],
)
def test_broken_rows_are_counted_per_kind(values, column, kind, broken):
    assert counted(values, column, kind) == dict.fromkeys(COUNTS, 0) | broken


def test_statistics_are_of_finite_values_or_of_lengths_never_of_text():
    number = partial_profile(pa.array([2.0, 4.0, NAN, None, INF]), Column("x", "double", "m"))
    assert (number["low"], number["high"], number["total"]) == (2.0, 4.0, 6.0)
    text = partial_profile(pa.array(["hola", "corazón"]), Column("x", "string", "m"))
    assert (text["low"], text["high"]) == (4.0, 7.0)
    assert "hola" not in str(text)
    places = partial_profile(pa.array(["web", "tv", "web"]), Column("x", "string", "m", values=("alexa", "web")))
    assert json.loads(str(places["bins"])) == {"0": 1, "2": 2}


def test_what_a_column_measures():
    kinds = ["value", "value", "length", "elements", ""]
    types = ["double", "boolean", "string", "array<string>", "date"]
    assert [measures(Column("x", t, "m")) for t in types] == kinds
    assert measures(Column("x", "string", "m", values=("a",))) == "place in values"


def test_integers_beyond_a_double_do_not_stop_the_profile():
    assert counted([2**62 + 1, -1], Column("x", "bigint", "m", low=0), pa.int64())["below_count"] == 1


def test_one_row_per_declared_column_with_exact_counts(spark):
    rows = [
        row(),
        row(click_rate=NAN, clicks=-1, client="tv"),
        row(click_rate=1.5, genres=["jazz"], by_position=[-1, -1], query=None),
        row(click_rate=None, genres=[None], user_id=None),
    ]
    seen = profile(toy(spark, rows), TOY).set_index("column")
    assert list(seen.index) == [c.name for c in TOY.columns]
    assert set(seen["rows"]) == {4} and seen["type"].to_dict() == {c.name: c.type for c in TOY.columns}
    broken = {(c, k): int(seen.loc[c, k]) for c in seen.index for k in COUNTS if seen.loc[c, k]}
    assert broken == {
        ("user_id", "null_count"): 1,
        ("query", "null_count"): 1,
        ("click_rate", "null_count"): 1,
        ("click_rate", "not_finite_count"): 1,
        ("click_rate", "above_count"): 1,
        ("clicks", "below_count"): 1,
        ("client", "outside_count"): 1,
        ("genres", "null_element_count"): 1,
        ("genres", "outside_count"): 1,
        ("by_position", "below_count"): 1,
    }
    assert seen.loc["click_rate", ["min", "mean", "max"]].to_list() == [0.5, 1, 1.5]


def test_deaf_to_row_order_and_partitioning_and_equal_to_a_plain_count(spark):
    draw = random.Random(7)
    values = [draw.choice([None, NAN, INF, 0.0, draw.uniform(-1, 2), 10 ** draw.uniform(-9, 9)]) for _ in range(300)]
    rows = [row(query=f"q{i}", click_rate=v) for i, v in enumerate(values)]
    one = profile(toy(spark, rows).repartition(1), TOY)
    draw.shuffle(rows)
    pd.testing.assert_frame_equal(profile(toy(spark, rows).repartition(5), TOY), one)
    seen = one.set_index("column").loc["click_rate"]
    known = [v for v in values if v is not None]
    assert seen["null_count"] == len(values) - len(known)
    assert seen["not_finite_count"] == sum(not math.isfinite(v) for v in known)
    assert seen["below_count"] == sum(v < 0 for v in known)
    assert seen["above_count"] == sum(v > 1 for v in known)
    finite = sorted(v for v in known if math.isfinite(v))
    assert (seen["min"], seen["max"]) == (finite[0], finite[-1])
    assert seen["mean"] == pytest.approx(sum(finite) / len(finite), rel=1e-8)
    assert sum(json.loads(seen["bins"]).values()) == len(finite)


def test_no_rows_and_lost_columns_are_profiled_too(spark):
    empty = profile(spark.createDataFrame([], struct(TOY)), TOY)
    assert set(empty["rows"]) == {0} and len(empty) == len(TOY.columns)
    lost = profile(toy(spark, [CLEAN, CLEAN]).select("query"), TOY).set_index("column")
    assert lost.loc["clicks", "type"] == MISSING and lost.loc["clicks", "rows"] == 2
