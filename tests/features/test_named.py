"""Whether a track bears the name that was asked for, in any form of the name: made rows."""

from __future__ import annotations

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.build.engine import feature_frames
from features.build.inputs import FeatureInputs
from lake.schema import struct
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import TRACKS
from lake.tables.nightly import EXPOSURE_CURVES, NEEDS
from tests.features.rows import AS_OF, as_said, filled

# track_id, title, artists, album
TRACKS_MADE = [
    ("on it", "Drain You", ["Nirvana"], "Nevermind (Remastered)"),
    ("single", "Nevermind", ["Other"], "Nevermind - Single"),
    ("elsewhere", "Lithium - Remastered", ["Nirvana"], "Live at Reading"),
    ("feat", "Perfect Duet (feat. Someone)", ["Florence & The Machine"], None),
]
# need: intent, text, title_name, artist_name
ASKED = {
    "album": ("album", "nevermind", "nevermind", None),
    "title": ("title", "lithium", "lithium", None),
    "feat": ("title_artist", "perfect duet florence y the machine", "perfect duet", "florence y the machine"),
    "artist": ("artist", "nirvana", None, None),
}


@pytest.fixture(scope="module")
def values(spark: SparkSession) -> pd.DataFrame:
    """Every text feature of every need and track, indexed by (need, track)."""
    asked = spark.createDataFrame(
        [(need, *of) for need, of in ASKED.items()],
        "need string, intent string, text string, title_name string, artist_name string",
    )
    needs = filled(
        asked,
        NEEDS,
        **{name: F.col(name) for name in asked.columns},
        broader=F.col("need"),
        mood=F.lit(None),
        activity=F.lit(None),
    )
    made = spark.createDataFrame(TRACKS_MADE, "track_id string, title string, artists array<string>, album string")
    tracks = filled(
        made,
        TRACKS,
        **{name: F.col(name) for name in made.columns},
        title_normal=F.lower("title"),
        artists_normal=F.transform("artists", F.lower),
        work_id=F.col("track_id"),
    )
    pairs = asked.crossJoin(made).select(
        F.lit(AS_OF).alias("as_of"), F.lit("en-US").alias("locale"), "need", "track_id"
    )
    nothing = [spark.createDataFrame([], struct(t)) for t in (DAILY_ENGAGEMENT, EXPOSURE_CURVES)]
    inputs = FeatureInputs(pairs, nothing[0], needs, as_said(nothing[0], AS_OF), tracks, nothing[1], (AS_OF,))
    with feature_frames(inputs, ["text"]) as frames:
        return frames["need_track"].toPandas().set_index(["need", "track_id"])


@pytest.mark.parametrize(
    ("column", "need", "expected"),
    [
        ("album_equal", "album", [1, 1, 0, 0]),
        ("album_equal", "title", [None] * 4),
        ("title_equal", "album", [None] * 4),
        ("title_equal", "title", [0, 0, 1, 0]),
        ("title_equal", "feat", [0, 0, 0, 1]),
        ("artist_equal", "feat", [0, 0, 0, 1]),
        ("artist_equal", "artist", [1, 0, 1, 0]),
    ],
)
def test_names_of_a_track(values: pd.DataFrame, column: str, need: str, expected: list[float | None]) -> None:
    of = {track: values.loc[(need, track), column] for track, *_ in TRACKS_MADE}
    assert {track: None if pd.isna(value) else value for track, value in of.items()} == dict(
        zip(of, expected, strict=True)
    )
