"""Attributes of need and track that feature functions may ask for by `Window.col`."""

from __future__ import annotations

from collections.abc import Collection

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from events.contract import AUDIO
from features.build.genres import with_genre_neighbours
from features.build.keys import key_of, track_keys, work_id
from features.expressions import sound, trigrams, versions, words
from features.window import NEED_ATTRIBUTES
from lake.rows import frame_of
from lake.tables.nightly import OF_NEED
from queries.grammar.lexicon import entries, mood_targets
from queries.nightly.names import with_name_forms


def with_need_attributes(base: DataFrame, needs: DataFrame, tracks: DataFrame, wanted: Collection[str]) -> DataFrame:
    """Add the attributes of each row's need: its interpretation, its words, trigrams and sounds.

    Args:
        base: rows with language and need; the grain stays the same, but rows of needs that `needs` does not have are dropped.
        needs: what each need asks for, one row per need.
        tracks: the catalog.
        wanted: attributes that features read. Those that need the catalog or the lexicon are added only if named here:
            `need_terms` (each word with its idf), `genre_company` (similar genres), `mood_range` and `activity_range`.
    """
    keys = ["language", "need"]
    of_rows = F.broadcast(base.select(*keys).distinct())
    asked_for = [name for name in OF_NEED if name in NEED_ATTRIBUTES]
    asked = needs.select("need", *asked_for).join(of_rows, "need")
    asked = asked.select(
        *keys,
        *asked_for,
        words(F.col("text")).alias("need_tokens"),
        trigrams(F.col("text")).alias("need_trigrams"),
        sound(F.coalesce("title_name", "text"), F.col("language")).alias("title_asked_sound"),
        sound(F.coalesce("artist_name", "text"), F.col("language")).alias("artist_asked_sound"),
    )
    if "need_terms" in wanted:
        asked = _with_terms(asked, tracks)
    if "genre_company" in wanted:
        asked = with_genre_neighbours(asked, tracks)
    if "mood_range" in wanted or "activity_range" in wanted:
        asked = with_ranges(asked)
    return base.join(F.broadcast(asked), keys)


def _with_terms(asked: DataFrame, tracks: DataFrame) -> DataFrame:
    """Add `need_terms`: the need's words with their idf over the catalog, [] if the catalog has none of them.

    idf = ln(1 + (N − n + .5)/(n + .5)), with N tracks in the catalog and n tracks whose title or artists contain the word
    (Robertson & Zaragoza 2009).
    """
    containing = tracks.select(F.explode(F.array_distinct(_track_words())).alias("word")).groupBy("word").count()
    total = tracks.agg(F.count("*").alias("tracks"))
    weights = containing.crossJoin(F.broadcast(total)).select(
        "word", F.log1p((F.col("tracks") - F.col("count") + 0.5) / (F.col("count") + 0.5)).alias("idf")
    )
    terms = (
        asked.select("text", F.explode(F.array_distinct("need_tokens")).alias("word"))
        .distinct()
        .join(weights, "word")
        .groupBy("text")
        .agg(F.array_sort(F.collect_list(F.struct("word", "idf"))).alias("need_terms"))
    )
    none = F.array().cast("array<struct<word:string,idf:double>>")
    return asked.join(terms, "text", "left").withColumn("need_terms", F.coalesce("need_terms", none))


def with_track_attributes(base: DataFrame, tracks: DataFrame, popularity: DataFrame | None) -> DataFrame:
    """Add the attributes of each row's track: its catalog fields, the words, trigrams and sounds of its title and artists.

    The popularity is the one that the row's snapshot knew. The join is by the 64-bit keys of `features.build.keys`, by which the
    base is partitioned already.

    Args:
        base: rows with `as_of`, `work_id_key` and `track_id_key`.
        tracks: the catalog.
        popularity: (as_of, track_id, popularity, popularity_before); None leaves both columns null.
    """
    if popularity is None:
        nothing = F.lit(None).cast("double")
        base = base.withColumns({"popularity": nothing, "popularity_before": nothing})
    else:  # joined first: its sort order serves the later joins too, and the rows are still narrow
        placed = popularity.join(track_keys(tracks), "track_id").select(
            "as_of", key_of("track_id"), key_of("work_id"), "popularity", "popularity_before"
        )
        base = base.join(placed, ["work_id_key", "track_id_key", "as_of"], "left")
    named = with_name_forms(tracks).withColumn("track_tokens", _track_words())
    mean = named.agg(F.mean(F.size("track_tokens")).alias("mean_tokens"))
    known = named.crossJoin(F.broadcast(mean)).select(
        key_of("track_id"),
        key_of(work_id()).alias("work_id_key"),
        "title",
        "title_normal",
        "artists_normal",
        "title_forms",
        "artist_forms",
        "album_forms",
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
    return F.concat(words(F.col("title_normal")), words(F.concat_ws(" ", "artists_normal")))


def with_ranges(frame: DataFrame) -> DataFrame:
    """Add `mood_range` and `activity_range`: structs of the bounds of each audio feature, null without a mood or activity.

    The grain stays the same. The bounds come from the lexicon; call it on needs, not on their pairs, to join fewer rows.
    """
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
