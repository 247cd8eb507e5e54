"""Needs that nobody may have asked yet: what the grammar can say about the catalog, by the kinds that `closure.kinds` lists.

They depend on the catalog alone, never on what was asked: that a need is ranked says nothing about anybody's requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.checkpoint import checkpointed
from lake.rows import frame_of
from queries.catalog.vocabulary import name_forms
from queries.grammar.lexicon import entries
from queries.grammar.need import Need, Part
from queries.nightly.understand import NEED_COLUMNS, need_rows

if TYPE_CHECKING:
    import pandas as pd

SHORT_LIST = 10  # a name with so few tracks needs no list ahead of time
SUNG_LANGUAGES = ("en", "es")
SORTS = ("newest", "popular")  # of all music: "new releases", "today's hits"


@dataclass
class ClosureSettings:
    """Section `closure` of conf/night.yaml.

    Args:
        kinds: kinds of KINDS whose needs are ranked whether or not anybody asked for them.
        min_tracks: tracks of the catalog that a genre, or a genre of a decade, must have.
        mood_genres: the genres with the most popular tracks that are combined with each mood.
    """

    kinds: list[str]
    min_tracks: int
    mood_genres: int


def _by_genre(tracks: DataFrame) -> DataFrame:
    return tracks.select(F.explode(F.array_distinct("genres")).alias("a"), _decade().alias("b"), _demand().alias("d"))


def _decade() -> Column:
    year = F.col("release_year")
    return (year - F.pmod(year, F.lit(10))).cast("string")


def _demand() -> Column:
    """How likely a track is to be asked for, in units of its own popularity: 1 + popularity (0 to 100)."""
    return F.lit(1.0) + F.coalesce(F.col("popularity").cast("double"), F.lit(0.0))


def _summed(rows: DataFrame, least: int) -> DataFrame:
    """(a, b, demand) of the values with at least so many tracks."""
    counted = rows.groupBy("a", "b").agg(F.count("*").alias("tracks"), F.round(F.sum("d"), 6).alias("demand"))
    return counted.where((F.col("tracks") >= least) & F.col("a").isNotNull()).select("a", "b", "demand")


def _genres(tracks: DataFrame, least: int) -> DataFrame:
    return _summed(_by_genre(tracks).withColumn("b", F.lit("")), least)


def _genre_decades(tracks: DataFrame, least: int) -> DataFrame:
    return _summed(_by_genre(tracks).where(F.col("b").isNotNull()), least)


def _periods(tracks: DataFrame, period: Column, least: int) -> DataFrame:
    return _summed(tracks.select(period.alias("a"), F.lit("").alias("b"), _demand().alias("d")), least)


def _names(tracks: DataFrame) -> DataFrame:
    """(kind, a, b, demand) of every artist, title, album, and title by an artist with more than SHORT_LIST tracks."""
    columns = tracks.select("title", "artists", "album", _demand().alias("d"))
    rows = columns.mapInPandas(_name_rows, "kind string, a string, b string, d double")
    counted = rows.groupBy("kind", "a", "b").agg(F.count("*").alias("tracks"), F.round(F.sum("d"), 6).alias("demand"))
    return counted.where(F.col("tracks") > SHORT_LIST).select("kind", "a", "b", "demand")


def _name_rows(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    import pandas as pd

    for batch in batches:
        rows = []
        for title, artists, album, demand in zip(*(batch[c] for c in ("title", "artists", "album", "d")), strict=True):
            titles = name_forms(title)
            singers = list(dict.fromkeys(form for name in artists for form in name_forms(name)[:1]))
            rows += [("title", form, "", demand) for form in titles]
            rows += [("artist", form, "", demand) for form in singers]
            rows += [("album", form, "", demand) for form in name_forms(album)]
            rows += [("title_artist", form, singer, demand) for form in titles for singer in singers]
        yield pd.DataFrame(rows, columns=["kind", "a", "b", "d"])


# kind -> how its two values become a need
KINDS: dict[str, Callable[[str, str], Need]] = {
    "genre": lambda a, b: Need.of([Part("genre", a)]),
    "genre_decade": lambda a, b: Need.of([Part("genre", a), Part("decade", b)]),
    "decade": lambda a, b: Need.of([Part("decade", a)]),
    "mood": lambda a, b: Need.of([Part("mood", a)]),
    "activity": lambda a, b: Need.of([Part("activity", a)]),
    "mood_genre": lambda a, b: Need.of([Part("mood", b), Part("genre", a)]),
    "genre_language": lambda a, b: Need.of([Part("genre", a), Part("language", b)]),
    "genre_newest": lambda a, b: Need.of([Part("genre", a), Part("sort", "newest")]),
    "artist_newest": lambda a, b: Need.of([Part("artist", a), Part("sort", "newest")]),
    "artist": lambda a, b: Need.of([Part("artist", a)]),
    "title": lambda a, b: Need.of([Part("title", a)]),
    "album": lambda a, b: Need.of([Part("album", a)]),
    "title_artist": lambda a, b: Need.of([Part("title", a), Part("artist", b)]),
    "open": lambda a, b: Need.of([]),
    "sort": lambda a, b: Need.of([Part("sort", a)]),
    "language": lambda a, b: Need.of([Part("language", a)]),
    "instrumental": lambda a, b: Need.of([Part("version", "instrumental")]),
    "year": lambda a, b: Need.of([Part("year", a)]),
}


def closure(tracks: DataFrame, settings: ClosureSettings, most: int) -> DataFrame:
    """The needs of the declared kinds, with columns NEED_COLUMNS and `demand`; one row per need, at most `most`, the likeliest first.

    `demand` is Σ (1 + popularity) over the tracks behind the need; a combination has that of its genre, divided by ten.

    Args:
        tracks: the catalog, with title, artists, album, canonical genres, release_year and popularity.
        settings: the kinds, and how many tracks they need.
        most: `ranking.max_needs`.

    Raises:
        ValueError: a kind is unknown.
    """
    unknown = sorted(set(settings.kinds) - set(KINDS))
    if unknown:
        raise ValueError(f"closure.kinds: {', '.join(unknown)} is unknown; known: {', '.join(KINDS)}")
    spark = tracks.sparkSession
    genres = checkpointed(_genres(tracks, settings.min_tracks))
    feelings = [
        (kind, name, "", 1e6)
        for kind, file in (("mood", "moods"), ("activity", "activities"))
        for name in sorted(entries(file))
    ]
    plain = [("open", "", "", 1e6), ("instrumental", "", "", 1e6), *(("sort", name, "", 1e6) for name in SORTS)]
    plain += [("language", name, "", 1e6) for name in SUNG_LANGUAGES]
    of_lexicon = frame_of(spark, [*feelings, *plain], "kind string, a string, b string, demand double")
    moods = frame_of(spark, [(name,) for name in sorted(entries("moods"))], "b string")
    languages = frame_of(spark, [(name,) for name in SUNG_LANGUAGES], "b string")
    few = genres.orderBy(F.desc("demand"), "a").limit(settings.mood_genres)
    tenth = F.col("demand") / 10
    names = _names(tracks)
    parts = [
        of_lexicon,
        genres.select(F.lit("genre").alias("kind"), "a", "b", "demand"),
        _genre_decades(tracks, settings.min_tracks).select(F.lit("genre_decade").alias("kind"), "a", "b", "demand"),
        _periods(tracks, _decade(), settings.min_tracks).select(F.lit("decade").alias("kind"), "a", "b", "demand"),
        _periods(tracks, F.col("release_year").cast("string"), settings.min_tracks).select(
            F.lit("year").alias("kind"), "a", "b", "demand"
        ),
        few.drop("b")
        .crossJoin(F.broadcast(moods))
        .select(F.lit("mood_genre").alias("kind"), "a", "b", tenth.alias("demand")),
        few.drop("b")
        .crossJoin(F.broadcast(languages))
        .select(F.lit("genre_language").alias("kind"), "a", "b", tenth.alias("demand")),
        genres.select(F.lit("genre_newest").alias("kind"), "a", "b", tenth.alias("demand")),
        names,
        names.where(F.col("kind") == "artist").select(
            F.lit("artist_newest").alias("kind"), "a", "b", tenth.alias("demand")
        ),
    ]
    rows = reduce(lambda x, y: x.unionByName(y), parts).where(F.col("kind").isin(*settings.kinds))
    best = rows.orderBy(F.desc("demand"), "kind", "a", "b").limit(most)
    schema = ", ".join(f"{n} {k}" for n, k in NEED_COLUMNS.items()) + ", demand double"
    return best.mapInPandas(_needs, schema).dropDuplicates(["need"])


def _needs(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    import pandas as pd

    for batch in batches:
        needs = [KINDS[kind](a, b) for kind, a, b in zip(batch["kind"], batch["a"], batch["b"], strict=True)]
        yield pd.DataFrame(need_rows(needs), columns=list(NEED_COLUMNS)).assign(demand=batch["demand"].to_numpy())
