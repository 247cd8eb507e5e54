"""The head set: which queries are answered ahead of time, and the last touches on their lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


@dataclass(frozen=True)
class HeadSettings:
    """Size of the head set and of its lists; see conf/night.yaml, section `ranking`."""

    head_share: float = 1.0
    min_people_in_locale: int = 20
    max_entries: int = 200_000
    tracks_per_entry: int = 50
    explore_share: float = 0.02
    max_per_artist: int = 3
    artist_span: int = 10


def head_queries(queries: DataFrame, settings: HeadSettings) -> DataFrame:
    """The public music queries that cover `head_share` of the traffic of each locale, at most `max_entries` in all.

    A language answers for its locales: a locale has an entry of its own only where `min_people_in_locale` people asked
    there, and `*` only where no language has one. Grain: (locale, query), as in `queries`; most asked first.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    public = queries.where(F.col("is_public") & F.col("is_music"))
    is_language = F.length("locale") == 2
    in_a_language = public.where(is_language).select("query").distinct().withColumn("_known", F.lit(True))
    own = (F.length("locale") > 2) & (F.col("people_28d") >= settings.min_people_in_locale)
    nowhere_else = (F.col("locale") == "*") & F.col("_known").isNull()
    public = (
        public.join(F.broadcast(in_a_language), "query", "left").where(is_language | own | nowhere_else).drop("_known")
    )
    in_locale = Window.partitionBy("locale").orderBy(F.desc("searches_28d"), "query")
    before = F.sum("searches_28d").over(in_locale.rowsBetween(Window.unboundedPreceding, -1))
    total = F.sum("searches_28d").over(Window.partitionBy("locale"))
    head = public.withColumn("_covered", F.coalesce(before / total, F.lit(0.0)))
    head = head.where(F.col("_covered") < settings.head_share)
    overall = Window.orderBy(F.desc("searches_28d"), "locale", "query")
    return (
        head.withColumn("_n", F.row_number().over(overall))
        .where(F.col("_n") <= settings.max_entries)
        .drop("_covered", "_n")
    )


def ranked_lists(
    scored: DataFrame, queries: DataFrame, tracks: DataFrame, run_date: date, settings: HeadSettings
) -> DataFrame:
    """One row per (locale, query, rank): the lists as released, from (locale, query, track_id, model_score, sources).

    `queries`: the readings of those that have a list; others beside them cost memory.

    Broad and open lists keep at most `max_per_artist` of one main artist among the first `artist_span`: what is over moves
    behind them in order. Then `explore_share` of the lists swap one of ranks 2–4 with the rank below, chosen by
    a hash of (run_date, locale, query), and carry the probability of the list they got.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    artists = tracks.select("track_id", F.col("artists_normal")[0].alias("artist"))
    groups = queries.select("locale", "query", "intent_group")
    frame = scored.join(F.broadcast(groups), ["locale", "query"]).join(F.broadcast(artists), "track_id")
    by_score = [F.desc("model_score"), F.col("track_id")]
    of_list = Window.partitionBy("locale", "query")
    frame = frame.withColumn("_place", F.row_number().over(of_list.orderBy(*by_score)))
    frame = frame.where(F.col("_place") <= 4 * settings.tracks_per_entry)
    of_artist = Window.partitionBy("locale", "query", "artist").orderBy(*by_score)
    spread = F.col("intent_group").isin("broad", "open")
    over = spread & (F.row_number().over(of_artist) > settings.max_per_artist)
    frame = frame.withColumn("_over", over | (F.col("_place") > 4 * settings.artist_span))
    # the tracks over the cap come after the first artist_span that are not, then everything goes on by score; nobody is led
    # forward from further back than four times the span: where so few artists are meant, the score decides
    kept = F.row_number().over(of_list.orderBy("_over", *by_score))
    frame = frame.withColumn("_kept", kept)
    leading = ~F.col("_over") & (F.col("_kept") <= settings.artist_span)
    frame = frame.withColumn("_rank", F.row_number().over(of_list.orderBy(F.desc(leading), *by_score)))
    frame = _explored(frame, run_date, settings)
    # the stored score falls with the rank, so that any reader that sorts by it gets the released order
    sorted_scores = F.sort_array(F.collect_list("model_score").over(of_list), asc=False)
    rank = F.row_number().over(of_list.orderBy("_final"))
    moved = F.when(F.col("_place") != rank, F.concat(F.lit("; moved from "), F.col("_place").cast("string"))).otherwise(
        ""
    )
    return (
        frame.withColumn("_scores", sorted_scores)
        .withColumn("rank", rank.cast("int"))
        .withColumn("reason", F.concat(F.array_join("sources", ", "), moved))
        .withColumn("score", F.round(F.element_at("_scores", F.col("rank")), 9))
        .where(F.col("rank") <= settings.tracks_per_entry)
        .withColumn("run_date", F.lit(run_date))
        .withColumn("model_score", F.round("model_score", 9))
    )


def _explored(frame: DataFrame, run_date: date, settings: HeadSettings) -> DataFrame:
    """Final order with the exploration swap, and `propensity` of the list that came out."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    size = F.count("*").over(Window.partitionBy("locale", "query"))
    choices = F.least(F.lit(3), size - 2)  # ranks 2, 3 or 4 with the one below
    draw: Column = F.pmod(F.xxhash64(F.lit(str(run_date)), "locale", "query"), F.lit(1_000_003))
    explores = (draw < F.lit(int(settings.explore_share * 1_000_003))) & (choices >= 1)
    swapped = F.lit(2) + F.pmod(F.xxhash64("query", "locale", F.lit(str(run_date))), F.greatest(choices, F.lit(1)))
    final = (
        F.when(explores & (F.col("_rank") == swapped), F.col("_rank") + 1)
        .when(explores & (F.col("_rank") == swapped + 1), F.col("_rank") - 1)
        .otherwise(F.col("_rank"))
    )
    share = F.lit(settings.explore_share)
    propensity = (
        F.when(explores, share / F.greatest(choices, F.lit(1)))
        .when(choices >= 1, F.lit(1.0) - share)
        .otherwise(F.lit(1.0))
    )
    return frame.withColumn("_final", final).withColumn("propensity", F.round(propensity, 9))
