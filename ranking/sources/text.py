"""Candidate source: tracks whose title or artists match words of the request."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.expressions import words
from ranking.sources.source import Source, SourceInputs, ranked


def named(given: SourceInputs) -> DataFrame:
    """Tracks whose title or one of whose artists equals what the query names, the strongest first."""
    asked = given.queries.select(
        "locale",
        "query",
        F.explode(F.array_distinct(F.array_compact(F.array("query", "stripped", "title_name", "artist_name")))).alias(
            "name"
        ),
    )
    track_names = given.tracks.select(
        "track_id",
        "strength",
        F.explode(F.array_distinct(F.concat(F.array("title_normal"), F.col("artists_normal")))).alias("name"),
    )
    matches = (
        track_names.join(F.broadcast(asked), "name")
        .groupBy("locale", "query", "track_id")
        .agg(F.count("*").alias("names"), F.max("strength").alias("strength"))
    )
    return ranked(matches, [F.desc("names"), F.desc("strength"), F.col("track_id")], given.settings)


def rare_words(given: SourceInputs) -> DataFrame:
    """Tracks that share words with the query; rare words weigh more, words of more than `rare_word_tracks` tracks are ignored.

    Only for requests that name a title or an artist, also together with a constraint ("adele live"), and for requests without any
    constraint.
    """
    track_words = given.tracks.select(
        "track_id",
        "strength",
        F.explode(F.array_distinct(words(F.concat_ws(" ", "title_normal", F.concat_ws(" ", "artists_normal"))))).alias(
            "word"
        ),
    )
    frequency = track_words.groupBy("word").count().where(F.col("count") <= given.settings.rare_word_tracks)
    by_words = (F.col("constraint_key") == "") | F.col("intent_group").isin("known_item", "artist")
    query_words = given.queries.where(by_words).select(
        "locale", "query", F.explode(F.array_distinct(words(F.col("stripped")))).alias("word")
    )
    asked = query_words.join(frequency, "word")
    matches = (
        track_words.join(F.broadcast(asked), "word")
        .groupBy("locale", "query", "track_id")
        .agg(
            F.round(F.sum(F.lit(1.0) / F.log1p(F.col("count").cast("double") + 1)), 9).alias("match"),
            F.max("strength").alias("strength"),
        )
    )
    return ranked(matches, [F.desc("match"), F.desc("strength"), F.col("track_id")], given.settings)


def text(given: SourceInputs) -> DataFrame:
    """The proposals of `named` and `rare_words`; a track that both propose has two rows, and the better rank counts."""
    return named(given).unionByName(rare_words(given))


SOURCE = Source("text", text, "title or artist is named, or shares rare words with the request")
