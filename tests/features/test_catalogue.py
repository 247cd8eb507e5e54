"""Names a scientist may give, and the small parts that every feature is made of, on rows one can read."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.catalogue import chosen, columns, features
from features.expressions import capped, share, shrunk, trigrams, versions
from features.measures import LONGEST_DAYS, Sum, decay_weights
from features.track import version_kind
from features.window import Window
from lake.errors import BadConfiguration


def test_a_family_a_feature_or_a_column_may_be_named() -> None:
    assert {c.feature.family for c in chosen(["trend"])} == {"trend"}
    assert [c.name for c in chosen(["click_rate"])] == ["click_rate_7d", "click_rate_28d", "click_rate_90d"]
    assert [c.name for c in chosen(["title_equal", "click_rate_7d"])] == [
        "click_rate_7d",
        "title_equal",
    ]  # matrix order
    assert chosen([]) == columns()


def test_a_wrong_name_is_told_the_nearest_right_one() -> None:
    with pytest.raises(BadConfiguration, match=r"click_rat_7d \(nearest: click_rate_7d\)"):
        chosen(["coec", "click_rat_7d"])


def test_the_catalogue_is_as_large_as_it_says() -> None:
    assert len(columns()) >= 80
    assert {f.family for f in features()} >= {
        "engagement",
        "coec",
        "trend",
        "sequence",
        "text",
        "constraints",
        "need",
        "track",
    }


def test_decayed_sums_are_kept_in_units_that_fit() -> None:
    assert Sum("pair", "clicks", 7, None).scale == 1
    assert Sum("pair", "clicks", None, 3).scale == 2**32
    assert Sum("pair", "expected_micro", None, 3).scale == 2**18  # of what is in millionths already
    assert Sum("pair", "clicks", None, 3).column == "clicks__h3d"


def test_a_day_weighs_half_as_much_a_half_life_later() -> None:
    weights = decay_weights(3, 32)
    assert len(weights) == LONGEST_DAYS and weights[0] == 2**32 and weights[3] == 2**31 and weights[6] == 2**30
    assert weights[1] == round(2**32 * 0.5 ** (1 / 3)) and weights[-1] == 5  # 2^(32 - 89/3) = 5.04
    assert decay_weights(3, 18)[-1] == 0


@pytest.mark.parametrize(
    ("part", "whole", "wanted"), [(3, 4, 0.75), (0, 4, 0.0), (3, 0, None), (90, 1, 10.0), (None, 4, None)]
)
def test_a_cap_is_no_value_for_null(spark: SparkSession, part: int | None, whole: int, wanted: float | None) -> None:
    row = spark.createDataFrame([(part, whole)], "part bigint, whole bigint")
    [found] = row.select(capped(share(F.col("part"), F.col("whole")), 10.0)).first() or [0.0]
    assert found == wanted


def test_shrinking_pulls_thin_counts_to_the_parent(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(0, 0.0), (2, 1.0), (200, 100.0)], "hits bigint, exposure double")
    found = [r[0] for r in rows.select(shrunk(F.col("hits"), F.col("exposure"), F.lit(1.0), 3.0)).collect()]
    assert found == [1.0, pytest.approx(5 / 4), pytest.approx(203 / 103)]


def test_trigrams_of_a_name(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("abba",), ("",), ("a",)], "text string")
    found = [r[0] for r in rows.select(trigrams(F.col("text"))).collect()]
    assert found == [["  a", " ab", "abb", "bba", "ba "], [], ["  a", " a "]]


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Hello", 0),
        ("Hello - 2004 Remaster", 1),
        ("Hello (Live)", 2),
        ("Hello (Live) [Remastered]", 2),
        ("Hello (Acoustic)", 3),
        ("Hello (Demo)", 4),
        ("Hello - Radio Edit", 5),
        ("Hello (Instrumental)", 6),
        ("Hello (Tribute to X)", 7),
        ("Hello (Karaoke Instrumental)", 8),
        ("Live Forever", 0),
    ],
)
def test_a_title_names_a_kind_of_version(spark: SparkSession, title: str, kind: int) -> None:
    window = Window()
    made = spark.createDataFrame([(title,)], "title string").withColumn("versions", versions(F.col("title")))
    [found] = made.select(version_kind.compute(window)).first() or [None]
    assert found == kind and window.attributes == {"versions"}
