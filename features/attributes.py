"""Attributes of query and track that feature functions may ask for by `Window.col`."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from features.genres import with_genre_company
from features.keys import key_of, track_keys, work_id
from lake.rows import frame_of
from queries.grammar.lexicon import entries, mood_targets
from queries.text.phonetic import sounds_like

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

AUDIO = (
    "energy",
    "valence",
    "danceability",
    "tempo",
    "acousticness",
    "instrumentalness",
    "speechiness",
    "liveness",
    "loudness",
)

# as titles name them, English and Spanish; from the recording that most listeners mean to what few do (`version_kind`)
VERSIONS = {
    "remaster": ("remaster", "remastered", "remasterizad[oa]"),
    "live": ("live", "en vivo", "en directo", "ao vivo"),
    "acoustic": ("acoustic", "ac[uú]stic[oa]", "unplugged", "stripped"),
    "demo": ("demo", "maqueta"),
    "remix": ("remix", "rmx", "mix", "rework", "edit"),
    "instrumental": ("instrumental",),
    "cover": ("cover", "tribute", "tributo", "made famous by", "in the style of"),
    "karaoke": ("karaoke",),
}
SCALES = {"tempo": 200.0, "loudness": 60.0}


def words(column: Column) -> Column:
    """The words of a normal form, [] for an empty one."""
    from pyspark.sql import functions as F

    return F.filter(F.split(F.coalesce(column, F.lit("")), " "), lambda w: w != "")


def in_words(text: Column) -> Column:
    """The text between spaces, so that one contains another at whole words only."""
    from pyspark.sql import functions as F

    return F.concat(F.lit(" "), text, F.lit(" "))


def trigrams(text: Column) -> Column:
    """The distinct runs of three characters of a normal form with two spaces before it and one after; [] for an empty one.

    Source: the trigrams of PostgreSQL's pg_trgm, of the whole text and not word by word.
    """
    from pyspark.sql import functions as F

    padded = F.concat(F.lit("  "), text, F.lit(" "))
    runs = F.transform(F.sequence(F.lit(1), F.length(padded) - 2), lambda i: F.substring(padded, i, F.lit(3)))
    return F.when(F.length(F.coalesce(text, F.lit(""))) > 0, F.array_distinct(runs)).otherwise(
        F.array().cast("array<string>")
    )


def sound(text: Column, language: Column) -> Column:
    """How a normal form sounds in a language (`queries.text.phonetic`), null for null; in Arrow batches, once a query or a track."""
    import pandas as pd
    from pyspark.sql.pandas.functions import pandas_udf

    def keys(texts: pd.Series, languages: pd.Series) -> pd.Series:
        pairs = zip(texts, languages, strict=True)
        return pd.Series([None if t is None else sounds_like(t, of) for t, of in pairs], dtype=object)

    keys.__annotations__ = {"texts": pd.Series, "languages": pd.Series, "return": pd.Series}
    return pandas_udf(keys, "string")(text, language)  # type: ignore[call-overload, no-any-return]


def with_query_attributes(base: DataFrame, queries: DataFrame, tracks: DataFrame, wanted: Collection[str]) -> DataFrame:
    """Add what `queries` says of each (locale, query) and its words; of `wanted`, what the catalog and the lexicon are asked for:
    each word's idf (`query_terms`), the genres that keep company with those asked for, the ranges of mood and activity.
    """
    from pyspark.sql import functions as F

    keys = ["locale", "query"]
    asked = queries.join(base.select(*keys).distinct(), keys, "left_semi").select(
        *keys,
        *asked_of("constraint_key"),
        "stripped",
        "intent",
        "intent_group",
        "genre",
        "decade",
        "mood",
        "activity",
        "sort_by",
        "artist_name",
        "title_name",
        words(F.col("stripped")).alias("query_tokens"),
        trigrams(F.col("stripped")).alias("query_trigrams"),
        sound(F.coalesce("title_name", "stripped"), F.col("language")).alias("title_asked_sound"),
        sound(F.coalesce("artist_name", "stripped"), F.col("language")).alias("artist_asked_sound"),
    )
    if "query_terms" in wanted:
        asked = _with_terms(asked, tracks)
    if "genre_company" in wanted:
        asked = with_genre_company(asked, tracks)
    if "mood_range" in wanted or "activity_range" in wanted:
        asked = with_ranges(asked)
    return base.join(F.broadcast(asked), keys)


def _with_terms(asked: DataFrame, tracks: DataFrame) -> DataFrame:
    """Add `query_terms`: the query's words and their idf over the catalog, [] where it has none of them.

    idf = ln(1 + (N − n + .5)/(n + .5)), n = tracks whose title or artists hold the word (Robertson & Zaragoza 2009).
    """
    from pyspark.sql import functions as F

    holding = tracks.select(F.explode(F.array_distinct(_track_words())).alias("word")).groupBy("word").count()
    total = tracks.agg(F.count("*").alias("tracks"))
    weights = holding.crossJoin(F.broadcast(total)).select(
        "word", F.log1p((F.col("tracks") - F.col("count") + 0.5) / (F.col("count") + 0.5)).alias("idf")
    )
    terms = (
        asked.select("stripped", F.explode(F.array_distinct("query_tokens")).alias("word"))
        .distinct()
        .join(weights, "word")
        .groupBy("stripped")
        .agg(F.array_sort(F.collect_list(F.struct("word", "idf"))).alias("query_terms"))
    )
    none = F.array().cast("array<struct<word:string,idf:double>>")
    return asked.join(terms, "stripped", "left").withColumn("query_terms", F.coalesce("query_terms", none))


def years_of(key: str) -> tuple[Column, Column]:
    """`first_year` and `last_year` that a constraint key asks for, null where open or not asked for: `1995` is from and to itself,
    `1990-` and `-1979` are open."""
    from pyspark.sql import functions as F

    def year(pattern: str) -> Column:
        return F.nullif(F.regexp_extract(key, rf"(?:^|\|)year={pattern}", 1), F.lit("")).cast("int")

    last = F.coalesce(year(r"\d*-(\d+)"), year(r"(\d+)(?:\||$)"))
    return year(r"(\d+)").alias("first_year"), last.alias("last_year")


def in_years(year: Column, first: Column, last: Column) -> Column:
    """Whether a known year lies in the years asked for; an end that is null is open. True where the year is unknown."""
    from pyspark.sql import functions as F

    return F.coalesce(year >= first, F.lit(True)) & F.coalesce(year <= last, F.lit(True))


def asked_of(key: str) -> list[Column]:
    """What a constraint key (`queries.grammar.constraints.constraint_key`) says beside the columns of `queries`: `version`, `music_language`,
    `is_explicit_wanted`, `first_year`, `last_year`, `unwanted_genres`."""
    from pyspark.sql import functions as F

    def one(field: str) -> Column:
        return F.nullif(F.regexp_extract(key, rf"(?:^|\|){field}=([^|]*)", 1), F.lit(""))

    return [
        one("version").alias("version"),
        one("language").alias("music_language"),
        (one("explicit") == "true").alias("is_explicit_wanted"),
        *years_of(key),
        refused_values(key, "genre").alias("unwanted_genres"),
    ]


def refused_values(key: str, field: str) -> Column:
    """What a constraint key says as `field!=`, array of text."""
    from pyspark.sql import functions as F

    told = F.filter(F.split(key, r"\|"), lambda part: part.startswith(f"{field}!="))
    return F.transform(told, lambda part: F.substring(part, F.lit(len(field) + 3), F.length(part)))


def versions(title: Column) -> Column:
    """The versions other than the studio recording that a title names behind a bracket or a dash, [] for none."""
    from pyspark.sql import functions as F

    told = F.lower(title)
    named = [
        F.when(told.rlike(rf"(?:[(\[]|\s[-–—]\s).*\b(?:{'|'.join(said)})\b"), F.lit(name))
        for name, said in VERSIONS.items()
    ]
    return F.array_compact(F.array(*named))


def with_track_attributes(base: DataFrame, tracks: DataFrame, popularity: DataFrame | None) -> DataFrame:
    """Add what the catalog says of each track, and the words of its names; popularity as each snapshot knew it, or null.

    Joined by the keys of `features.keys`, by which the base lies already.
    """
    from pyspark.sql import functions as F

    if popularity is None:
        nothing = F.lit(None).cast("double")
        base = base.withColumns({"popularity": nothing, "popularity_before": nothing})
    else:  # first: rows sorted for it are sorted for the rest, and narrower
        placed = popularity.join(track_keys(tracks), "track_id").select(
            "as_of", key_of("track_id"), key_of("work_id"), "popularity", "popularity_before"
        )
        base = base.join(placed, ["work_id_key", "track_id_key", "as_of"], "left")
    named = tracks.withColumn("track_tokens", _track_words())
    mean = named.agg(F.mean(F.size("track_tokens")).alias("mean_tokens"))
    known = named.crossJoin(F.broadcast(mean)).select(
        key_of("track_id"),
        key_of(work_id()).alias("work_id_key"),
        "title",
        "title_normal",
        "artists_normal",
        "album",
        "release_year",
        "released_at",
        "genres",
        "moods",
        "duration_ms",
        "explicit",
        *AUDIO,
        words(F.col("title_normal")).alias("title_tokens"),
        words(F.concat_ws(" ", "artists_normal")).alias("artist_tokens"),
        "track_tokens",
        "mean_tokens",
        trigrams(F.col("title_normal")).alias("title_trigrams"),
        versions(F.col("title")).alias("versions"),
        *[
            sound(F.col(c) if isinstance(c, str) else c, F.lit(of)).alias(f"{n}_sound_{of}")
            for of in ("en", "es")
            for n, c in (("title", "title_normal"), ("artist", F.col("artists_normal")[0]))
        ],
    )
    return base.join(known, ["work_id_key", "track_id_key"])


def _track_words() -> Column:
    from pyspark.sql import functions as F

    return F.concat(words(F.col("title_normal")), words(F.concat_ws(" ", "artists_normal")))


def with_ranges(frame: DataFrame) -> DataFrame:
    """Add `mood_range` and `activity_range`: per audio feature the bounds of what is asked for, null where none.

    Grain: as in. Joined from the lexicon on the small side, once a query and not once a pair.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.types import DoubleType, StringType, StructField, StructType

    names = [f"{a}_{end}" for a in AUDIO for end in ("low", "high")]
    for column, kind in (("mood", "moods"), ("activity", "activities")):
        rows = []
        for value in sorted(entries(kind)):
            bounds = mood_targets(value)
            rows.append((value, tuple(x for a in AUDIO for x in bounds.get(a, (None, None)))))
        of_range = StructType([StructField(n, DoubleType()) for n in names])
        schema = StructType([StructField(column, StringType()), StructField(f"{column}_range", of_range)])
        known = frame_of(frame.sparkSession, rows, schema)
        frame = frame.join(F.broadcast(known), column, "left")
    return frame


def range_fit(ranges: str) -> Column:
    """Mean over the audio features that `ranges` bounds of 1 − distance to the range; 1 is inside all of them.

    Distances are in widths of the feature's scale (200 beats per minute for tempo, 60 decibels for loudness). Null where
    nothing is asked or the track has none of the features.
    """
    from pyspark.sql import functions as F

    total, known = F.lit(0.0), F.lit(0)
    for name in AUDIO:
        low, high, value = F.col(ranges)[f"{name}_low"], F.col(ranges)[f"{name}_high"], F.col(name)
        away = F.greatest(low - value, value - high, F.lit(0.0)) / F.lit(SCALES.get(name, 1.0))
        there = low.isNotNull() & value.isNotNull()
        total = total + F.when(there, F.lit(1.0) - F.least(away, F.lit(1.0))).otherwise(F.lit(0.0))
        known = known + there.cast("int")
    return F.try_divide(total, known)
