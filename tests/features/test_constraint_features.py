"""What requests for a version, a year, clean lyrics or a language make of a track: rows that the simulated world does not have."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.build.engine import feature_frames
from features.build.inputs import FeatureInputs
from features.catalogue import chosen
from lake.schema import struct
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import TRACKS
from lake.tables.nightly import EXPOSURE_CURVES, NEEDS
from queries.grammar.constraints import TYPED
from tests.features.rows import AS_OF, as_said, filled
from tests.features.rows import asked as asked_for

# need -> its constraint key and the genres in it
ASKED: dict[str, tuple[str, list[str]]] = {
    "live": ("version=live", []),
    "original": ("version=original", []),
    "unsung": ("version=instrumental", []),
    "any": ("", []),
    "1995": ("year=1995", []),
    "until": ("year=-1979", []),
    "from": ("year=1990-", []),
    "between": ("genre=rock|year=1990-1995", ["rock"]),
    "clean": ("explicit=false", []),
    "dirty": ("explicit=true", []),
    "kids": ("genre=children", ["children"]),
    "any salsa": ("genre=salsa", ["salsa"]),
    "salsa or rap": ("genre=rap|genre=salsa", ["rap", "salsa"]),
    "polka": ("genre=polka", ["polka"]),
    "spanish": ("language=es", []),
    "galician": ("language=gl", []),
    "no rap": ("genre!=rap|genre!=trap", []),
}
TRACKS_MADE: dict[str, dict[str, Any]] = {
    "concert": {"title": "Hello (Live at the Hall)", "year": 1995, "explicit": True, "genres": ["hip-hop", "rap"]},
    "studio": {"title": "Live Forever", "year": 1994, "explicit": False, "genres": ["rock"]},
    "remaster": {"title": "Dreams - 2004 Remaster", "year": 1977, "explicit": None, "genres": []},
    "salsa": {"title": "Quimbara", "year": None, "explicit": False, "genres": ["salsa", "latin"]},
    "spanish title": {
        "title": "La flor de mi vida",
        "year": 2001,
        "explicit": False,
        "genres": ["pop", "latin"],
        "unsung": 0.9,
    },
}


@pytest.fixture(scope="module")
def values(spark: SparkSession) -> pd.DataFrame:
    """Every constraint feature of every need and track, indexed by (need, track)."""
    asked = spark.createDataFrame(
        [(q, *of, *asked_for(of[0])) for q, of in ASKED.items()],
        "need string, constraint_key string, genre array<string>, "
        + ", ".join(f"{n} {kind}" for n, kind in TYPED.items()),
    )
    needs = filled(
        asked,
        NEEDS,
        need=F.col("need"),
        broader=F.col("need"),
        text=F.col("need"),
        genre=F.col("genre"),
        **{name: F.col(name) for name in TYPED},
        mood=F.lit(None),
        activity=F.lit(None),
    )
    rows = [
        (t, m["title"], m["year"], m["explicit"], m["genres"], m.get("unsung", 0.0)) for t, m in TRACKS_MADE.items()
    ]
    made = spark.createDataFrame(
        rows, "track_id string, title string, year int, explicit boolean, genres array<string>, unsung double"
    )
    normal = F.lower(F.regexp_replace("title", r"[^A-Za-z0-9 ]", ""))
    tracks = filled(
        made,
        TRACKS,
        track_id=F.col("track_id"),
        title=F.col("title"),
        title_normal=normal,
        release_year=F.col("year"),
        explicit=F.col("explicit"),
        genres=F.col("genres"),
        instrumentalness=F.col("unsung"),
        artists_normal=F.array(F.lit("a")),
        work_id=F.col("track_id"),
    )
    pairs = asked.crossJoin(made).select(
        F.lit(AS_OF).alias("as_of"), F.lit("en-US").alias("locale"), "need", "track_id"
    )
    nothing = [spark.createDataFrame([], struct(t)) for t in (DAILY_ENGAGEMENT, EXPOSURE_CURVES)]
    with feature_frames(
        FeatureInputs(pairs, nothing[0], needs, as_said(nothing[0], AS_OF), tracks, nothing[1], (AS_OF,)),
        ["constraints"],
    ) as frames:
        return frames["need_track"].toPandas().set_index(["need", "track_id"])


@pytest.mark.parametrize(
    ("column", "need", "expected"),
    [
        ("version_match", "live", [1, 0, 0, 0, 0]),
        ("version_match", "original", [0, 1, 0, 1, 1]),
        ("version_match", "unsung", [0, 0, 0, 0, 1]),
        ("version_match", "any", [None] * 5),
        ("other_version_unasked", "any", [1, 0, 0, 0, 0]),
        ("other_version_unasked", "live", [0, 0, 0, 0, 0]),
        ("year_match", "1995", [1, 0, 0, None, 0]),
        ("year_match", "until", [0, 0, 1, None, 0]),
        ("year_match", "from", [1, 1, 0, None, 1]),
        ("year_match", "between", [1, 1, 0, None, 0]),
        ("year_match", "any", [None] * 5),
        ("lyrics_match", "clean", [0, 1, None, 1, 1]),
        ("lyrics_match", "dirty", [1, 0, None, 0, 0]),
        ("lyrics_match", "kids", [0, 1, None, 1, 1]),
        ("lyrics_match", "any", [None] * 5),
        ("music_language_match", "spanish", [0, 0, 0, 1, 1]),
        ("music_language_match", "galician", [None] * 5),
        ("unwanted_genre_match", "no rap", [1, 0, None, 0, 0]),
        ("unwanted_genre_match", "any", [None] * 5),
        ("genre_match", "between", [0, 1, 0, 0, 0]),
    ],
)
def test_a_constraint_is_met_or_not_or_not_asked(
    values: pd.DataFrame, column: str, need: str, expected: list[int | None]
) -> None:
    found = [values.loc[(need, track), column] for track in TRACKS_MADE]
    assert [None if pd.isna(v) else int(v) for v in found] == expected


@pytest.mark.parametrize(
    ("need", "expected"),
    [
        # salsa is met on one track, latin on that one and another: 1 / √(1 · 2)
        ("any salsa", [1, 1, None, 0, 1 - 0.5**0.5]),
        ("salsa or rap", [0, 1, None, 0, 1 - 0.5**0.5]),
        ("between", [1, 0, None, 1, 1]),
        ("polka", [1, 1, None, 1, 1]),
        ("any", [None] * 5),
    ],
)
def test_a_genre_is_as_far_as_the_catalog_keeps_it_apart(
    values: pd.DataFrame, need: str, expected: list[float | None]
) -> None:
    found = [values.loc[(need, track), "genre_distance"] for track in TRACKS_MADE]
    assert [None if pd.isna(v) else v for v in found] == pytest.approx(expected, abs=2e-9)


def test_each_column_that_the_world_leaves_still_is_moved_here(values: pd.DataFrame) -> None:
    from tests.laws.test_feature_laws import STILL

    assert {c.name for c in chosen(["constraints"])} >= STILL
    assert all(values[name].nunique() == 2 for name in STILL)
