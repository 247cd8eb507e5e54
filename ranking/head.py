"""Which needs get a list ahead of time, in which places, and the settings of these lists."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.columns import NAMED_GROUPS


@dataclass
class Costs:
    """What takes a track back in a list, each in standard deviations of the list's scores (`ranking.rerank.variety`).

    Args:
        artist: for each track above it by the same main artist.
        album: for each track above it from the same album.
        version: if it is a live recording, a remix and so on, and no version is asked for.
    """

    artist: float
    album: float
    version: float


@dataclass
class Variety:
    """The costs by intent group."""

    known_item: Costs
    artist: Costs
    broad: Costs
    open: Costs


@dataclass
class HeadSettings:
    """Number and size of the lists: section `ranking` of conf/night.yaml, which gives the values.

    Args:
        min_people_in_locale: people who must have asked a need in a language or locale, and as many elsewhere, before it may have a
            list of its own there.
        max_needs: lists at most.
        tracks_per_entry: tracks of a list at most.
        explore_share: probability that a listener gets a variant of a broad list instead of the list itself (`ranking.variants`).
        explore_variants: variants of a list, beside itself; 0 for none.
        explore_strength: expected responses to a track for a need that halve the variance of what is believed of it.
        explore_temperature: how far the order of a variant is left to chance, in standard deviations of a list's scores.
        explore_first: whether a variant may begin with another track.
        variety: what repetition costs a track, by intent group.
        max_per_artist: tracks of one main artist at most among the first `artist_span` of a broad list.
        artist_span: ranks that `max_per_artist` applies to.
    """

    min_people_in_locale: int
    max_needs: int
    tracks_per_entry: int
    explore_share: float
    explore_variants: int
    explore_strength: float
    explore_temperature: float
    explore_first: bool
    variety: Variety
    max_per_artist: int
    artist_span: int


def ranked_needs(needs: DataFrame, settings: HeadSettings) -> DataFrame:
    """The needs that are ranked, with `is_warm`: whether enough people asked them in all places. Grain: (place, need).

    Ranked are the needs that enough people asked, most asked first, then those that catalog and grammar suggest, by demand, at most
    `max_needs`. A need that names something is ranked under `*`, another one under each language where enough people asked it (under
    `*` if that is in none). It is ranked under a language or locale beside that only if `min_people_in_locale` people asked it there,
    and as many in the rest of the wider place: otherwise the counts there are those of the wider place, with more noise. Not ranked is
    what is to be like something, whose lists follow from the vectors when the release is written, nor music of several artists, whose
    lists a reader mixes.

    Args:
        needs: the table `needs` of the night.
        settings: the settings.
    """
    from pyspark.sql import Window

    named = F.col("intent_group").isin(*NAMED_GROUPS)
    is_language, is_locale = F.length("locale") == 2, F.length("locale") > 2
    everywhere = needs.where(F.col("locale") == "*").select(
        "need", F.col("people_28d").alias("_all"), F.col("is_public").alias("is_warm")
    )
    by_language = needs.where(is_language).select(
        "need", F.col("locale").alias("_language"), F.col("people_28d").alias("_in_language")
    )
    rows = needs.withColumn("_language", F.substring("locale", 1, 2))
    rows = rows.join(everywhere, "need", "left").join(by_language, ["need", "_language"], "left")
    rows = rows.fillna(False, ["is_warm"]).fillna(0, ["_all", "_in_language"])
    has_language = F.max((is_language & (F.col("is_public") | F.col("is_suggested"))).cast("int")).over(
        Window.partitionBy("need")
    )
    wider = F.when(is_locale, F.col("_in_language")).otherwise(F.col("_all"))
    apart = (F.col("people_28d") >= settings.min_people_in_locale) & (
        wider - F.col("people_28d") >= settings.min_people_in_locale
    )
    own = F.col("is_public") & (
        F.when(F.col("locale") == "*", named | (has_language == 0)).when(is_language, ~named | apart).otherwise(apart)
    )
    is_mixed = F.col("need").rlike(r"(^|\|)(similar_to=|artist=[^|]*\|artist=)")
    chosen = rows.withColumn("_own", own).where((F.col("_own") | F.col("is_suggested")) & ~is_mixed)
    first = chosen.orderBy(F.desc("_own"), F.desc("searches_28d"), F.desc("demand"), "need", "locale")
    return first.limit(settings.max_needs).drop("_own", "_all", "_in_language", "_language")
