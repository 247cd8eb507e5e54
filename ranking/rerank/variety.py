"""Re-rank rule: a track gives way to one that scores a little less, if the tracks above it are by its artist or from its album."""

from __future__ import annotations

from dataclasses import fields
from functools import reduce
from operator import add

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from ranking.head import Costs, HeadSettings
from ranking.rerank.rule import Rule


def variety(rows: DataFrame, settings: HeadSettings) -> DataFrame:
    """Order each list by what is left of the scores: score − s · (artist · a + album · b + version · v).

    s is the standard deviation of the scores in the list; a and b are the numbers of tracks with a higher score that have the same main
    artist, and the same album of that artist; v is 1 for a live recording, remix, karaoke and so on where no version is asked for. The
    costs are those of the list's intent group (`ranking.head.Variety`). Where only artists cost, this is the order in which a list is
    filled by always taking the track of which most is left (maximal marginal relevance, Carbonell and Goldstein 1998, with the number of
    tracks of the artist so far as similarity).
    """
    costly = [
        one.name for one in fields(Costs) if any(getattr(costs, one.name) for costs in _groups(settings).values())
    ]
    if not costly:  # as shipped: nothing is sorted for nothing
        return rows.withColumn("new_rank", F.col("rank"))
    of_list, of_artist, of_album = (
        Window.partitionBy("locale", "need", *more) for more in ((), ("_artist",), ("_artist", "_album"))
    )
    own = F.col("track_id")  # a track without an artist repeats nobody
    rows = rows.withColumns({"_artist": F.coalesce("artist", own), "_album": F.coalesce("album", own)})
    repeated = {
        "artist": F.row_number().over(of_artist.orderBy("place")) - 1,
        "album": F.row_number().over(of_album.orderBy("place")) - 1,
        "version": (F.col("is_version") & F.col("version").isNull()).cast("int"),
    }
    cost = reduce(add, (_by_group(settings, name) * repeated[name] for name in costly))
    rows = rows.withColumn("_left", F.col("model_score") - F.stddev_pop("model_score").over(of_list) * cost)
    new_rank = F.row_number().over(of_list.orderBy(F.desc("_left"), "place"))
    return rows.withColumn("new_rank", new_rank).drop("_artist", "_album", "_left")


def _by_group(settings: HeadSettings, name: str) -> Column:
    """The cost of this name of the list's intent group."""
    of_group = [F.when(F.col("intent_group") == g, getattr(costs, name)) for g, costs in _groups(settings).items()]
    return F.coalesce(*of_group, F.lit(0.0))


def _groups(settings: HeadSettings) -> dict[str, Costs]:
    """Intent group -> its costs."""
    return {one.name: getattr(settings.variety, one.name) for one in fields(settings.variety)}


RULE = Rule(
    "variety",
    variety,
    "a track gives way to one that scores a little less, if those above are by its artist or from its album",
)
