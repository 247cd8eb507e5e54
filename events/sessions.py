"""Sessions and rephrases: which searches of a listener belong together, and which are soon followed by another query."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

SESSION_GAP_S = 1800  # He & Göker 2000; Wikimedia's query_clicks uses the same
REPHRASE_S = 120


def sessions(searches: DataFrame, max_gap_s: int = SESSION_GAP_S, rephrase_s: int = REPHRASE_S) -> DataFrame:
    """Cut each listener's searches into sessions at gaps of `max_gap_s` seconds or more.

    Grain: one row per search, as `searches`. Sessions cross midnight. Source: 30 minutes, He & Göker 2000.

    Args:
        searches: search_id, user_id, ts and query, among others, in any order.
        max_gap_s: The least gap that ends a session, in seconds.
        rephrase_s: Time within which another query of the listener makes a search a rephrased one, in seconds.

    Returns:
        `searches` with `session_id`, a hash of the user's pseudonym and the session's first search, so that every run and
        partitioning gives the same one; and `is_rephrased`: the listener's next search is another query within less than
        `rephrase_s` seconds.
    """
    from pyspark.sql import Window

    order = Window.partitionBy("user_id").orderBy("ts", "search_id")
    seconds = F.unix_micros("ts") / F.lit(1e6)
    gap = seconds - F.lag(seconds).over(order)
    next_in_s = F.lead(seconds).over(order) - seconds
    asked_again = (next_in_s < rephrase_s) & (F.lead("query").over(order) != F.col("query"))
    starts = F.when(F.coalesce(gap >= max_gap_s, F.lit(True)), F.col("search_id"))
    return (
        searches.withColumn("is_rephrased", F.coalesce(asked_again, F.lit(False)))
        .withColumn("_starts", starts)
        .withColumn("_first", F.last("_starts", ignorenulls=True).over(order))
        .withColumn("session_id", F.sha2(F.concat_ws("|", "user_id", "_first"), 256).substr(1, 16))
        .drop("_starts", "_first")
    )
