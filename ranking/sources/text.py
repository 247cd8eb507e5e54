"""Tracks by the words of the request."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.expressions import words
from ranking.sources.source import Source, SourceInputs, ranked


def named(given: SourceInputs) -> DataFrame:
    """Tracks whose title or artist is what the query names, the strongest first."""
    asked = given.queries.select(
        "locale",
        "query",
        F.explode(F.array_distinct(F.array_compact(F.array("query", "stripped", "title_name", "artist_name")))).alias(
            "name"
        ),
    )
    named = given.tracks.select(
        "track_id",
        "strength",
        F.explode(F.array_distinct(F.concat(F.array("title_normal"), F.col("artists_normal")))).alias("name"),
    )
    found = (
        named.join(F.broadcast(asked), "name")
        .groupBy("locale", "query", "track_id")
        .agg(F.count("*").alias("names"), F.max("strength").alias("strength"))
    )
    return ranked(found, [F.desc("names"), F.desc("strength"), F.col("track_id")], given.settings)


def rare_words(given: SourceInputs) -> DataFrame:
    """Tracks that share words with the query, rare words weighing more; words of too many tracks propose nothing.

    For requests that name somebody or something, also with a wish beside it ("adele live"), and for those that say nothing else.
    """
    holding = given.tracks.select(
        "track_id",
        "strength",
        F.explode(F.array_distinct(words(F.concat_ws(" ", "title_normal", F.concat_ws(" ", "artists_normal"))))).alias(
            "word"
        ),
    )
    frequency = holding.groupBy("word").count().where(F.col("count") <= given.settings.rare_word_tracks)
    by_words = (F.col("constraint_key") == "") | F.col("intent_group").isin("known_item", "artist")
    named = given.queries.where(by_words).select(
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
    return ranked(found, [F.desc("match"), F.desc("strength"), F.col("track_id")], given.settings)


def text(given: SourceInputs) -> DataFrame:
    """Both; a track that both propose has a row of each, and keeps its better rank."""
    return named(given).unionByName(rare_words(given))


SOURCE = Source("text", text, "title or artist is named, or shares rare words with the request")
