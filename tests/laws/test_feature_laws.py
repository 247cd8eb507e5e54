"""Laws over every feature of the catalogue: a new feature is held to them without a line here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

from features.build.backoff import fitted
from features.build.engine import feature_frames, prepared
from features.catalogue import KEYS, columns, features
from tests.conftest import cached_ids
from tests.laws.conftest import Laws

# nobody asks for these in the simulated world: tests/features/test_constraint_features.py moves them
STILL = {"version_match", "unwanted_genre_match", "lyrics_match"}


def test_there_is_something_to_judge(laws: Laws) -> None:
    assert len(laws.base["need_track"]) > 1_000
    assert laws.base["need_track"]["as_of"].nunique() == 2
    assert len(columns()) >= 25


@pytest.mark.parametrize("column", columns(), ids=lambda c: c.name)
def test_bounds_and_nulls(laws: Laws, column) -> None:  # type: ignore[no-untyped-def]
    values = laws.base[column.feature.grain][column.name]
    known = values.dropna()
    assert not np.isinf(known).any()
    if column.feature.low is not None:
        assert (known >= column.feature.low).all(), known.min()
    if column.feature.high is not None:
        assert (known <= column.feature.high).all(), known.max()
    if column.feature.null_means is None:
        assert values.notna().all(), f"{column.name} declares no null"


def test_every_column_says_something(laws: Laws) -> None:
    """A column that is the same everywhere on a real night is a mistake, or waits for data the world does not make (STILL)."""
    constant = {c.name for c in columns() if laws.base[c.feature.grain][c.name].nunique(dropna=False) < 2}
    assert constant == STILL


def _equal(found: dict[str, pd.DataFrame], wanted: dict[str, pd.DataFrame]) -> None:
    for grain in KEYS:
        pd.testing.assert_frame_equal(found[grain], wanted[grain], check_exact=True)


@pytest.fixture
def interpreted(laws: Laws) -> dict[str, pd.DataFrame]:
    """The features as plans that are interpreted give them; asked for before `as_shipped`."""
    return laws.base


def test_deaf_to_order_and_partitioning_and_unchanged_by_a_second_run(
    laws: Laws, interpreted: dict[str, pd.DataFrame], as_shipped: SparkSession
) -> None:
    """Nor by the engine: the plans of the second run are compiled and adaptive, as a night's are."""
    shuffled = laws.inputs.daily.repartition(7, F.xxhash64("track_id", "search_date"))
    _equal(laws.build(laws.with_daily(shuffled)), interpreted)


def test_deaf_to_the_poisoned_future(laws: Laws) -> None:
    """A flood of reactions on and after the later as_of, to every track, changes nothing."""
    last = max(laws.inputs.as_of)
    first = min(laws.inputs.as_of)
    flood = laws.inputs.daily.withColumn("clicks", F.col("clicks") + 1_000).withColumn(
        "long_plays", F.lit(9_999).cast("bigint")
    )
    after_last = flood.withColumn(
        "search_date", F.date_add(F.lit(last), F.pmod(F.xxhash64("track_id"), F.lit(5)).cast("int"))
    )
    flooded = laws.inputs.daily.unionByName(after_last).localCheckpoint()
    _equal(laws.build(laws.with_daily(flooded)), laws.base)
    # seen from the earlier snapshot, the days between are the future as well
    between = laws.with_daily(laws.inputs.daily.where(F.col("search_date") < F.lit(first)).localCheckpoint())
    cut = laws.build(between)["need_track"]
    early = laws.base["need_track"]
    pd.testing.assert_frame_equal(
        cut[cut["as_of"] == first].reset_index(drop=True), early[early["as_of"] == first].reset_index(drop=True)
    )


def test_strengths_are_deaf_to_which_pairs_are_wanted(laws: Laws) -> None:
    """Those of a past snapshot are the pairs that were shown after it: what is fitted for it must not know them."""
    of_need = Window.partitionBy("as_of", "locale", "need")
    counted = laws.inputs.pairs.withColumn("_n", F.count("*").over(of_need)).withColumn(
        "_first", F.min("track_id").over(of_need)
    )
    fewer = counted.where((F.col("_n") == 1) | (F.col("track_id") != F.col("_first"))).drop("_n", "_first")
    with prepared(laws.inputs, ["coec"]) as all_pairs, prepared(replace(laws.inputs, pairs=fewer), ["coec"]) as some:
        assert some.pairs.count() < all_pairs.pairs.count()
        assert (strengths := fitted(all_pairs)) == fitted(some)
    assert any(one.units for of_date in strengths.values() for one in of_date)


def test_a_feature_that_asks_for_no_sum_is_built_alone(laws: Laws) -> None:
    with feature_frames(laws.inputs, ["title_phrase"]) as frames:
        assert frames["need_track"].columns == ["as_of", "locale", "need", "track_id", "title_phrase"]
        assert frames["track"].columns == ["as_of", "language", "track_id"]


def test_a_build_gives_back_what_it_cached(laws: Laws, spark: SparkSession) -> None:
    laws.inputs.pairs.count()  # the inputs' own frames stay
    before = cached_ids(spark)
    with feature_frames(laws.inputs, ["need_click_rate"]) as frames:
        frames["need"].count()
        assert cached_ids(spark) - before
    assert not cached_ids(spark) - before


def test_the_past_is_heard(laws: Laws) -> None:
    """The law above can fail: the same flood a day earlier does change the features."""
    last = max(laws.inputs.as_of)
    flood = laws.inputs.daily.limit(50).withColumn("search_date", F.date_sub(F.lit(last), 1))
    changed = laws.build(laws.with_daily(laws.inputs.daily.unionByName(flood).localCheckpoint()))
    with pytest.raises(AssertionError):
        _equal(changed, laws.base)


def test_names_units_and_descriptions_are_complete() -> None:
    for feature in features():
        assert feature.unit and feature.description.endswith((".", ")")), feature.name
        assert not feature.name.startswith(("get_", "process_")), feature.name
