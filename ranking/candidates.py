"""Which tracks are considered for each head query, and who proposed them. Grain: (locale, query, track)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from features.build.attributes import with_ranges
from features.expressions import AUDIO, asked_of, has_version, in_years, is_sung_in, range_fit, versions, words
from lake.places import places
from ranking.refusals import FIELDS, is_refused, refused_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


# sources that propose what listeners were shown; the others propose by the request and the catalog, the much heard ones first
FROM_LOGS = ("engagement", "cluster")


@dataclass(frozen=True)
class CandidateSettings:
    """How many tracks each generator may propose, and how many are kept of a query (best source rank first)."""

    cap: int = 200
    per_source: int = 120
    rare_word_tracks: int = 3_000
    min_fit: float = 0.85


def is_from_logs() -> Column:
    """Whether a candidate was proposed by what listeners were shown (it may have been by others, too)."""
    from pyspark.sql import functions as F

    return F.arrays_overlap("sources", F.lit(list(FROM_LOGS)))


def candidates(queries: DataFrame, daily: DataFrame, tracks: DataFrame, settings: CandidateSettings) -> DataFrame:
    """One row per (locale, query, track): `sources` that proposed it and its best rank in any of them.

    `queries`: the public head queries; `daily`: daily_engagement of the window. Each generator ranks its proposals and
    the `cap` best by source rank stay (ties by track_id), so that no query grows without bound.
    """
    from pyspark.sql import functions as F

    known = with_strength(tracks, daily)
    known = known.withColumns(
        {"versions": versions(F.col("title")), "title_tokens": words(F.col("title_normal"))}
    ).persist()
    made: dict[str, DataFrame] = {
        "engagement": _engagement(queries, daily, settings),
        "cluster": _cluster(queries, daily, settings),
        "text": _named(queries, known, settings).unionByName(_rare_words(queries, known, settings)),
        "constraint": _constraint(queries, known, settings),
        "popular": _popular(queries, known, settings),
    }
    proposed = reduce(
        lambda a, b: a.unionByName(b),
        [f.select("locale", "query", "track_id", "source_rank", F.lit(s).alias("source")) for s, f in made.items()],
    )
    merged = proposed.groupBy("locale", "query", "track_id").agg(
        F.array_sort(F.collect_set("source")).alias("sources"), F.min("source_rank").cast("int").alias("source_rank")
    )
    merged = merged.join(F.broadcast(known.select("track_id")), "track_id", "left_semi")  # gone from the catalog
    return _top(merged, ["locale", "query"], [F.col("source_rank"), F.col("track_id")], settings.cap).drop("_rank")


def with_strength(tracks: DataFrame, daily: DataFrame) -> DataFrame:
    """Tracks with `strength`, the order in which a generator proposes equals: long plays, then catalog popularity."""
    from pyspark.sql import functions as F

    plays = daily.groupBy("track_id").agg(F.sum("long_plays").alias("plays"))
    strength = F.log1p(F.coalesce("plays", F.lit(0)).cast("double")) + F.coalesce("popularity", F.lit(0.0)) / 20.0
    return tracks.join(plays, "track_id", "left").withColumn("strength", F.round(strength, 9))


def _top(frame: DataFrame, keys: list[str], order: list[Column], n: int) -> DataFrame:
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    ranked = frame.withColumn("_rank", F.row_number().over(Window.partitionBy(*keys).orderBy(*order)))
    return ranked.where(F.col("_rank") <= n)


def _ranked(frame: DataFrame, order: list[Column], settings: CandidateSettings) -> DataFrame:
    top = _top(frame, ["locale", "query"], order, settings.per_source)
    return top.withColumnRenamed("_rank", "source_rank").select("locale", "query", "track_id", "source_rank")


def _engagement(queries: DataFrame, daily: DataFrame, settings: CandidateSettings) -> DataFrame:
    """Tracks shown for the query itself, those heard long first."""
    from pyspark.sql import functions as F

    spread = daily.withColumn("locale", F.explode(places()))
    summed = spread.groupBy("locale", "query", "track_id").agg(
        F.sum("long_plays").alias("n"), F.sum("impressions").alias("m")
    )
    asked = summed.join(F.broadcast(queries.select("locale", "query")), ["locale", "query"], "left_semi")
    return _ranked(asked, [F.desc("n"), F.desc("m"), F.col("track_id")], settings)


def _cluster(queries: DataFrame, daily: DataFrame, settings: CandidateSettings) -> DataFrame:
    """Tracks heard long for another wording of the same alias cluster."""
    from pyspark.sql import functions as F

    members = queries.select("locale", "query", "language", "cluster_id")
    of_language = daily.where(F.col("long_plays") > 0).withColumn(
        "locale", F.explode(F.array(F.substring("locale", 1, 2), F.lit("*")))
    )
    heard = of_language.join(F.broadcast(members.where(F.col("locale") == F.col("language"))), ["locale", "query"])
    of_cluster = heard.groupBy("language", "cluster_id", "track_id").agg(F.sum("long_plays").alias("n"))
    best = _top(of_cluster, ["language", "cluster_id"], [F.desc("n"), F.col("track_id")], settings.per_source)
    joined = best.join(F.broadcast(members), ["language", "cluster_id"])
    return joined.withColumn("source_rank", F.col("_rank"))


def _named(queries: DataFrame, tracks: DataFrame, settings: CandidateSettings) -> DataFrame:
    """Tracks whose title or artist is what the query names, the strongest first."""
    from pyspark.sql import functions as F

    asked = queries.select(
        "locale",
        "query",
        F.explode(F.array_distinct(F.array_compact(F.array("query", "stripped", "title_name", "artist_name")))).alias(
            "name"
        ),
    )
    named = tracks.select(
        "track_id",
        "strength",
        F.explode(F.array_distinct(F.concat(F.array("title_normal"), F.col("artists_normal")))).alias("name"),
    )
    found = (
        named.join(F.broadcast(asked), "name")
        .groupBy("locale", "query", "track_id")
        .agg(F.count("*").alias("names"), F.max("strength").alias("strength"))
    )
    return _ranked(found, [F.desc("names"), F.desc("strength"), F.col("track_id")], settings)


def _rare_words(queries: DataFrame, tracks: DataFrame, settings: CandidateSettings) -> DataFrame:
    """Tracks that share words with the query, rare words weighing more; words of too many tracks propose nothing.

    For requests that name somebody or something, also with a wish beside it ("adele live"), and for those that say nothing else.
    """
    from pyspark.sql import functions as F

    holding = tracks.select(
        "track_id",
        "strength",
        F.explode(F.array_distinct(words(F.concat_ws(" ", "title_normal", F.concat_ws(" ", "artists_normal"))))).alias(
            "word"
        ),
    )
    frequency = holding.groupBy("word").count().where(F.col("count") <= settings.rare_word_tracks)
    by_words = (F.col("constraint_key") == "") | F.col("intent_group").isin("known_item", "artist")
    named = queries.where(by_words).select(
        "locale", "query", F.explode(F.array_distinct(words(F.col("stripped")))).alias("word")
    )
    asked = named.join(frequency, "word")
    found = (
        holding.join(F.broadcast(asked), "word")
        .groupBy("locale", "query", "track_id")
        .agg(
            F.round(F.sum(F.lit(1.0) / F.log1p(F.col("count").cast("double") + 1)), 9).alias("match"),
            F.max("strength").alias("strength"),
        )
    )
    return _ranked(found, [F.desc("match"), F.desc("strength"), F.col("track_id")], settings)


def _constraint(queries: DataFrame, tracks: DataFrame, settings: CandidateSettings) -> DataFrame:
    """Tracks that meet what is asked for in general; computed once a constraint key, not a query.

    Those of the genre, else of the decade, else all, are ordered by how much else of the key they miss (decade, years, version,
    language, lyrics) or are of what it refuses (genres, and see `ranking.refusals`), then by mood and activity; the strongest
    first, but the newest or oldest where that is asked.
    """
    from pyspark.sql import functions as F

    keyed = queries.where(F.col("constraint_key") != "")
    said = ("genre", "decade", "mood", "activity", "sort_by")
    keys = keyed.groupBy("constraint_key").agg(*[F.min(c).alias(c) for c in said])
    keys = with_ranges(keys).select("*", *asked_of("constraint_key"), *refused_of("constraint_key"))
    year = F.col("release_year")
    of_track = tracks.withColumn("track_decade", (year - F.pmod(year, F.lit(10))).cast("int"))
    has_genre, has_decade = F.size("genre") > 0, F.size("decade") > 0
    has_feel = F.coalesce("mood", "activity").isNotNull()
    has_years = F.coalesce("first_year", "last_year").isNotNull()
    keys = keys.withColumn("is_rest", ~has_genre & ~has_decade & ~has_feel & ~has_years)
    by_genre = keys.where(has_genre).withColumn("one", F.explode("genre")).drop("genre")
    by_genre = (
        by_genre.join(of_track.withColumn("one", F.explode("genres")), "one")
        .drop("one")
        .dropDuplicates(["constraint_key", "track_id"])
    )
    by_decade = keys.where(~has_genre & has_decade).drop("genre").withColumn("track_decade", F.explode("decade"))
    by_decade = by_decade.join(of_track, "track_decade")
    others = keys.where(~has_genre & ~has_decade).drop("genre")
    by_feel = others.where(has_feel).crossJoin(of_track)
    inside = year.isNotNull() & in_years(year, F.col("first_year"), F.col("last_year"))
    by_years = others.where(~has_feel & has_years).crossJoin(of_track).where(inside)
    by_rest = others.where("is_rest").crossJoin(of_track)
    wanted = ["constraint_key", "track_id", "strength", "decade", "track_decade", "mood", "moods", *AUDIO, "sort_by"]
    wanted += ["mood_range", "activity_range", "first_year", "last_year", "release_year", "version", "versions"]
    wanted += [
        "music_language",
        "title_tokens",
        "genres",
        "is_explicit_wanted",
        "explicit",
        "unwanted_genres",
        "is_rest",
        "title_normal",
        "artists_normal",
        *[f"refused_{field}" for field in FIELDS],
    ]
    by_each = (by_genre, by_decade, by_feel, by_years, by_rest)
    met = reduce(lambda a, b: a.unionByName(b), [f.select(*wanted) for f in by_each])
    off_years = has_years & ~inside
    off_decade = (F.size("decade") > 0) & ~F.coalesce(F.array_contains("decade", F.col("track_decade")), F.lit(False))
    tagged = F.coalesce(F.array_contains("moods", F.col("mood")), F.lit(False))
    fit = F.least(
        *[
            F.when(F.col(asked).isNull(), F.lit(1.0)).otherwise(F.coalesce(range_fit(asked), F.lit(0.0)))
            for asked in ("mood_range", "activity_range")
        ]
    )
    missed = [
        off_decade | off_years,
        ~has_version(F.col("version"), F.col("versions"), F.col("instrumentalness")),
        ~is_sung_in(F.col("music_language"), F.col("genres"), F.col("title_tokens")),
        F.col("explicit") != F.col("is_explicit_wanted"),
        F.arrays_overlap("genres", "unwanted_genres"),
        *is_refused(),
    ]
    misfit = reduce(lambda a, b: a + b, [F.coalesce(m, F.lit(False)).cast("int") for m in missed])
    met = met.withColumn("misfit", misfit).withColumn("fits", (tagged | (fit >= settings.min_fit)).cast("int"))
    age = F.when(F.col("sort_by") == "newest", -year).when(F.col("sort_by") == "oldest", year)
    order = [F.col("misfit"), F.desc("fits"), age.asc_nulls_last(), F.desc("strength"), F.col("track_id")]
    best = _top(met, ["constraint_key"], order, settings.cap).select("constraint_key", "track_id", "_rank", "is_rest")
    asked = best.join(F.broadcast(keyed.select("locale", "query", "constraint_key", "intent_group")), "constraint_key")
    # all live tracks are no answer to "adele live"
    asked = asked.where(~F.col("is_rest") | F.col("intent_group").isin("broad", "open"))
    return asked.withColumn("source_rank", F.col("_rank"))


def _popular(queries: DataFrame, tracks: DataFrame, settings: CandidateSettings) -> DataFrame:
    """The strongest tracks of all, for requests that ask for nothing in particular."""
    from pyspark.sql import functions as F

    best = _top(
        tracks.withColumn("_all", F.lit(1)), ["_all"], [F.desc("strength"), F.col("track_id")], settings.per_source
    )
    open_queries = queries.where((F.col("intent_group") == "open") & (F.col("constraint_key") == ""))
    return open_queries.select("locale", "query").crossJoin(
        F.broadcast(best.select("track_id", F.col("_rank").alias("source_rank")))
    )
