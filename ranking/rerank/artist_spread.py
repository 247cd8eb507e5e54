"""Re-rank rule: a broad list does not consist of one artist's tracks."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from ranking.head import HeadSettings
from ranking.rerank.rule import Rule


def artist_spread(rows: DataFrame, settings: HeadSettings) -> DataFrame:
    """Keep at most `max_per_artist` tracks of one main artist among the first `artist_span` of broad and open lists
    that name no artist.

    The other tracks of that artist follow after the span, in their former order. No track moves up from a rank beyond four times
    the span: if there are so few artists among those, the order by score stays.
    """
    of_list, of_artist = (Window.partitionBy("locale", "need", *more) for more in ((), ("artist",)))
    # "happy songs by X" is to consist of X's tracks
    spreads = F.col("intent_group").isin("broad", "open") & F.col("artist_name").isNull()
    over = spreads & (F.row_number().over(of_artist.orderBy("rank")) > settings.max_per_artist)
    rows = rows.withColumn("_over", over | (F.col("rank") > 4 * settings.artist_span))
    rows = rows.withColumn("_kept", F.row_number().over(of_list.orderBy("_over", "rank")))
    leads = ~F.col("_over") & (F.col("_kept") <= settings.artist_span)
    new_rank = F.row_number().over(of_list.orderBy(F.desc(leads), "rank"))
    return rows.withColumn("new_rank", new_rank).drop("_over", "_kept")


RULE = Rule(
    "artist_spread", artist_spread, "a broad list keeps few tracks of one artist among its first", in_variants=True
)
