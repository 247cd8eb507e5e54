"""Re-rank rule: a broad list has one recording once among its first, however many releases the catalog has it on."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from ranking.head import HeadSettings
from ranking.rerank.rule import Rule


def repeats(rows: DataFrame, settings: HeadSettings) -> DataFrame:
    """Move tracks of broad and open lists behind all others, in their order, whose title and main artist a track before them has."""
    of_list, of_recording = (Window.partitionBy("locale", "need", *more) for more in ((), ("artist", "title_normal")))
    is_broad = F.col("intent_group").isin("broad", "open")
    again = is_broad & (F.row_number().over(of_recording.orderBy("rank")) > 1)
    return (
        rows.withColumn("_again", again)
        .withColumn("new_rank", F.row_number().over(of_list.orderBy("_again", "rank")))
        .drop("_again")
    )


RULE = Rule("repeats", repeats, "one recording once among the first of a broad list", in_variants=True)
