"""One small night up to its candidates, from which every law builds all features together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from features.build.engine import feature_frames
from features.build.inputs import FeatureInputs
from features.build.stored import stored_inputs, stored_wordings
from features.build.vectors import fitted_vectors
from features.catalogue import KEYS, feature_table
from features.measures import CHAIN
from jobs import candidates, count_engagement, fit_exposure, ingest, understand
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.nightly import CANDIDATES, NEEDS
from night.head import head_settings
from night.night import Night
from night.snapshots import training_pairs, write_wordings
from night.wordings import mapping
from queries.nightly.by_need import distinct_needs
from ranking.head import ranked_needs
from tests.conftest import NO_BOTS, RUN_DATE, World


def some_strengths(dates: tuple[date, ...]) -> dict[date, dict[str, float]]:
    """Others for each level and snapshot, so that none is taken for another."""
    return {d: {level: 1.5 + i + 4 * j for j, level in enumerate(CHAIN)} for i, d in enumerate(dates)}


@dataclass
class Laws:
    """The inputs of a feature build, and its outcome as pandas frames sorted by key."""

    night: Night
    inputs: FeatureInputs

    @cached_property
    def base(self) -> dict[str, pd.DataFrame]:
        """The features as the night builds them."""
        return self.build(self.inputs)

    def build(self, inputs: FeatureInputs) -> dict[str, pd.DataFrame]:
        """All features of all grains."""
        with feature_frames(inputs) as frames:
            return {g: sorted_pandas(f, g) for g, f in frames.items()}

    def with_daily(self, daily: DataFrame) -> FeatureInputs:
        """The same inputs over other days."""
        return replace(self.inputs, daily=daily)


def sorted_pandas(frame: DataFrame, grain: str) -> pd.DataFrame:
    """A frame in key order, so that two builds can be compared cell by cell."""
    keys = ["as_of", *[k.name for k in KEYS[grain]]]  # type: ignore[index]
    return frame.toPandas().sort_values(keys).reset_index(drop=True)


def popularities(night: Night, dates: Sequence[date]) -> DataFrame:
    """Popularity by snapshot: on D as delivered, a week before half of it; and a fourth of that 28 days before, unknown for some."""
    from pyspark.sql import functions as F

    tracks = night.tracks(allow_unvalidated=True)
    then = F.when(F.col("track_id") > "8", F.lit(None)).otherwise(F.col("popularity") / 8)
    frames = [
        tracks.select(
            F.lit(d).alias("as_of"),
            "track_id",
            (F.col("popularity") * share).alias("popularity"),
            then.alias("popularity_before"),
        )
        for d, share in zip(dates, (0.5, 1.0), strict=True)
    ]
    return frames[0].unionByName(frames[1]).localCheckpoint()


@pytest.fixture(scope="session")
def laws(spark: SparkSession, world: World, tmp_path_factory: pytest.TempPathFactory) -> Laws:
    """A night over the small world without a bot filter; snapshots of D and of the newest training set."""
    home = Path(tmp_path_factory.mktemp("laws"))
    night = world.night(spark, home, *NO_BOTS)
    for step in (ingest, count_engagement, understand, fit_exposure, candidates):
        step.run(night)
    lake, dates = night.lake, (night.as_of[-1], date.fromisoformat(RUN_DATE))
    listed = lake.read(NEEDS, [night.run_date], allow_unvalidated=True)
    needs = distinct_needs(listed).localCheckpoint()
    leads = mapping(night, dates).localCheckpoint()
    write_wordings(night, leads, {str(d): "for the laws" for d in dates}, dates)
    daily = lake.read(DAILY_ENGAGEMENT, allow_unvalidated=True).localCheckpoint()
    from pyspark.sql import functions as F

    head = ranked_needs(listed, head_settings(night))
    of_night = lake.read(CANDIDATES, [night.run_date], allow_unvalidated=True)
    pairs = of_night.select(F.lit(dates[1]).alias("as_of"), "locale", "need", "track_id")
    # every tenth candidate list is enough for a law
    pairs = pairs.where(F.pmod(F.xxhash64("need"), F.lit(10)) == 0).unionByName(
        training_pairs(daily, leads, head, night.tracks(allow_unvalidated=True), dates[0], 7)
    )
    engaged = stored_wordings(lake, dates)
    vectors = [fitted_vectors(daily, engaged, needs, d).withColumn("as_of", F.lit(d)) for d in dates]
    stored = stored_inputs(
        lake,
        pairs.localCheckpoint(),
        dates,
        daily=daily,
        needs=needs,
        tracks=night.tracks(allow_unvalidated=True).localCheckpoint(),
        catalogs=None,
    )
    assert stored.history is not None and stored.listeners is not None
    # the night stores no vectors and strengths of these dates yet, and one catalog
    inputs = replace(
        stored,
        curves=stored.curves.localCheckpoint(),
        popularity=popularities(night, dates),
        history=stored.history.localCheckpoint(),
        listeners=stored.listeners.localCheckpoint(),
        vectors=vectors[0].unionByName(vectors[1]).localCheckpoint(),
        strengths=some_strengths(dates),
    )
    assert {feature_table(g).name for g in KEYS} == {"need_track_features", "need_features", "track_features"}
    return Laws(night, inputs)
