"""Candidate source: tracks that bear the names of the need, or share its words."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.expressions import words
from lake.columns import NAMED_GROUPS
from ranking.sources.source import KEYS, Source, SourceInputs, by_year, ranked


def named(given: SourceInputs) -> DataFrame:
    """Tracks that bear names of the need, in the order of `by_names`."""
    return ranked(named_matches(given.needs, given.tracks), by_names(), given.settings)


def by_names() -> list[Column]:
    """The order of `named_matches`: tracks that bear more of the names first, then the strongest.

    Where the newest or oldest are asked for, the year of release comes before the strength; undated tracks come last.
    """
    return [F.desc("names"), by_year("sort_by", "release_year"), F.desc("strength"), F.col("track_id")]


def named_matches(needs: DataFrame, tracks: DataFrame) -> DataFrame:
    """(place, need, track_id) of tracks that bear a name of the need, with `names`, how many of its names they bear.

    Further columns: sort_by, strength, release_year.

    Args:
        needs: columns of `needs`.
        tracks: see `SourceInputs`.
    """
    is_album = F.col("intent") == "album"
    names = F.array_compact(
        F.array(
            _name(F.when(is_album, F.lit("album")).otherwise(F.lit("title")), "title_name"),
            _name(F.lit("artist"), "artist_name"),
        )
    )
    asked = needs.select(*KEYS, "sort_by", F.explode(names).alias("name"))
    forms = [_names(kind, f"{kind}_forms") for kind in ("title", "artist", "album")]
    track_names = tracks.select(
        "track_id", "strength", "release_year", F.explode(F.array_distinct(F.concat(*forms))).alias("name")
    )
    return (
        track_names.join(F.broadcast(asked), "name")
        .groupBy(*KEYS, "sort_by", "track_id")
        .agg(
            F.count("*").alias("names"),
            F.max("strength").alias("strength"),
            F.max("release_year").alias("release_year"),
        )
    )


def _name(kind: Column, column: str) -> Column:
    return F.when(F.col(column).isNotNull(), F.struct(kind.alias("kind"), F.col(column).alias("form")))


def _names(kind: str, column: str) -> Column:
    return F.transform(column, lambda form: F.struct(F.lit(kind).alias("kind"), form.alias("form")))


def rare_words(given: SourceInputs) -> DataFrame:
    """Tracks that share words with the need; rare words weigh more, words of more than `rare_word_tracks` tracks are ignored.

    Only for words that no reading explains, and, at most `like_named` tracks, for needs that name a title, an album or an artist:
    they show the ranker what the names are not.
    """
    track_words = given.tracks.select(
        "track_id",
        "strength",
        F.explode(F.array_distinct(words(F.concat_ws(" ", "title_normal", F.concat_ws(" ", "artists_normal"))))).alias(
            "word"
        ),
    )
    frequency = track_words.groupBy("word").count().where(F.col("count") <= given.settings.rare_word_tracks)
    by_words = F.col("intent_group").isin(*NAMED_GROUPS) | (F.col("intent") == "other")
    need_words = given.needs.where(by_words).select(
        *KEYS, F.explode(F.array_distinct(words(F.col("text")))).alias("word")
    )
    asked = need_words.join(frequency, "word")
    matches = (
        track_words.join(F.broadcast(asked), "word")
        .groupBy(*KEYS, "track_id")
        .agg(
            F.round(F.sum(F.lit(1.0) / F.log1p(F.col("count").cast("double") + 1)), 9).alias("match"),
            F.max("strength").alias("strength"),
        )
    )
    best = ranked(matches, [F.desc("match"), F.desc("strength"), F.col("track_id")], given.settings)
    named = F.broadcast(given.needs.select(*KEYS, (F.col("intent") != "other").alias("is_named")))
    best = best.join(named, list(KEYS)).where(~F.col("is_named") | (F.col("source_rank") <= given.settings.like_named))
    return best.drop("is_named")


def text(given: SourceInputs) -> DataFrame:
    """The proposals of `named` and `rare_words`; a track that both propose has two rows, and the better rank counts."""
    return named(given).unionByName(rare_words(given))


SOURCE = Source("text", text, "title or artist is named, or shares rare words with the request")
