"""Daily counts, which can be summed over days: what was shown or sounded for each query, and how listeners reacted to it."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from events.dwell import PACKED, bin_of, packed_bins, unpacked
from lake.columns import POSITIONS
from lake.tables.daily import DAILY_ENGAGEMENT, DAILY_SEARCHES, ENGAGEMENT_MEASURES

LONG_PLAY_MS = 30_000
LONGEST_PLAY_MS = 86_400_000  # a longer dwell comes from a paused device, and counts as a day
TAIL = POSITIONS + 1  # the cell that all ranks beyond POSITIONS share
SUMS = tuple(c.name for c in ENGAGEMENT_MEASURES)
SEARCH = ("search_id", "search_date")  # names a search: an id may be used again after some days
CHAIN = (*SEARCH, "track_id", "position")  # names the events on one track of a list
COUNT_VERSION = 7  # raise it when the meaning of a count changes, so that days are counted again


@dataclass(frozen=True)
class DayCounts:
    """The two tables counted from the same impressions."""

    daily_engagement: DataFrame
    daily_searches: DataFrame


def chains(events: DataFrame) -> DataFrame:
    """One row per CHAIN with an event: the events of one chain, aggregated.

    `dwell_ms` of events is cumulative within a chain (input contract), so the chain's is the maximum, never the sum. It is 0
    where no event reports one; `is_timed` tells whether one does. A long play is one heard for 30 s or to the end. A skip or
    stop without a reported dwell is a short stop.
    """

    def has(*kinds: str) -> Column:
        return F.max(F.col("kind").isin(*kinds).cast("int"))

    dwell = F.when(F.col("dwell_ms") > LONGEST_PLAY_MS, F.lit(LONGEST_PLAY_MS)).otherwise(F.col("dwell_ms"))
    grouped = events.groupBy(*CHAIN).agg(
        has("click").alias("tapped"),
        has("play").alias("started"),
        has("complete").alias("complete"),
        has("skip").alias("skip"),
        has("stop").alias("stop"),
        has("save", "add").alias("save"),
        has("like").alias("like"),
        has("dislike").alias("dislike"),
        F.coalesce(F.max(dwell), F.lit(0)).alias("dwell_ms"),
        F.count("dwell_ms").alias("timed"),
    )
    heard = (F.col("dwell_ms") >= LONG_PLAY_MS) | (F.col("complete") == 1)
    # the event `play` may be lost
    sounded = (F.col("started") == 1) | (F.col("dwell_ms") > 0) | (F.col("complete") == 1)
    stopped = ((F.col("stop") == 1) | (F.col("skip") == 1)) & ~heard
    columns = {"play": sounded, "long_play": heard, "short_stop": stopped}
    flags = {name: condition.cast("int") for name, condition in columns.items()} | {"is_timed": F.col("timed") > 0}
    return grouped.withColumns(flags).drop("started", "timed")


def _is_satisfied() -> Column:
    """Whether a chain satisfied its listener: a long play, a save or a like."""
    return (F.col("long_play") == 1) | (F.col("save") == 1) | (F.col("like") == 1)


def pleased_plays(searches: DataFrame, events: DataFrame) -> DataFrame:
    """One row per CHAIN with a long play, a save or a like.

    Args:
        searches: Accepted searches.
        events: Accepted events.

    Returns:
        The plays, with locale, query and user_id of their search.
    """
    satisfied = chains(events).where(_is_satisfied()).select(*CHAIN)
    return satisfied.join(searches.select(*SEARCH, "locale", "query", "user_id"), [*SEARCH])


def counted_days(searches: DataFrame, events: DataFrame) -> DayCounts:
    """The daily counts of the days in `searches`; all sums are of integers.

    Grain: (search_date, locale, query, track_id, client) and (search_date, locale, query, client). The searches of bots count as
    `bot_searches` alone. On a screen every entry of `results` is an impression. On voice only a track that sounded is one; a
    queued track that never sounded is none.

    Impressions on screens are counted from the searches alone and reactions from the chains of events alone, and the two sums
    are added, so no join of impressions is needed.

    Args:
        searches: Accepted searches with is_rephrased and is_bot.
        events: Accepted events of these searches.
    """
    who = ["search_date", "locale", "query", "client"]
    people = searches.where(~F.col("is_bot"))
    again = F.col("is_rephrased").cast("int").alias("again")
    on_screen = people.where(F.col("surface") == "screen")
    listed = on_screen.select(*who, again, F.posexplode("results").alias("_i", "track_id"))
    cell = F.least(F.col("_i") + 1, F.lit(TAIL)).alias("cell")
    shown = (
        listed.select(*who, "track_id", cell, "again")
        .groupBy(*who, "track_id", "cell")
        .agg(F.count("*").alias("impressions"), F.sum("again").alias("rephrases"))
    )
    reactions = _reactions(people, events)
    sums = [m for m in SUMS if m not in ("impressions", "rephrases")]
    zeros = [F.lit(0).cast("bigint").alias(m) for m in (*sums, *PACKED)]
    both = shown.select(*who, "track_id", "cell", "impressions", "rephrases", *zeros)
    both = both.unionByName(reactions)

    def by_position(value: str) -> Column:
        return F.array(*[F.sum(F.when(F.col("cell") == p, F.col(value)).otherwise(0)) for p in range(1, TAIL + 1)])

    daily = both.groupBy(*who, "track_id").agg(
        *[F.sum(m).alias(m) for m in SUMS],
        F.array(*unpacked([F.sum(m) for m in PACKED])).alias("plays_by_dwell"),
        *[by_position(m).alias(f"{m}_by_position") for m in ("impressions", "clicks", "long_plays")],
    )
    # a chain counts for the day of its search, so its track was shown on that day
    return DayCounts(
        daily.select(*[_as_declared(c.name, c.type) for c in DAILY_ENGAGEMENT.columns]),
        _search_counts(searches, events).select(*[_as_declared(c.name, c.type) for c in DAILY_SEARCHES.columns]),
    )


def _reactions(people: DataFrame, events: DataFrame) -> DataFrame:
    """Sums of reactions, and on voice of impressions, by (search_date, locale, query, client, track_id, cell).

    On a screen a play counts as a click, because it follows one even where the client did not log the tap. On voice every chain
    is an impression, because nobody reacts to a track that did not sound, even where its `play` is late or lost.

    Args:
        people: Searches without those of bots.
        events: Accepted events.
    """
    who = ["search_date", "locale", "query", "client"]
    asked = people.select("search_id", *who, "surface", F.col("is_rephrased").cast("int").alias("again"))
    chained = chains(events).join(asked, [*SEARCH])
    screen = F.col("surface") == "screen"
    impression = F.when(screen, F.lit(0)).otherwise(F.lit(1))  # those of screens are counted from the searches
    clicked = (screen & ((F.col("tapped") == 1) | (F.col("play") == 1))).cast("int")
    columns = {
        "impressions": impression,
        "rephrases": impression * F.col("again"),
        "clicks": clicked,
        "plays": F.col("play"),
        "long_plays": F.col("long_play"),
        "completes": F.col("complete"),
        "skips": F.col("skip"),
        "stops": F.col("stop"),
        "short_stops": F.col("short_stop"),
        "saves": F.col("save"),
        "likes": F.col("like"),
        "dislikes": F.col("dislike"),
        "satisfied": _is_satisfied().cast("int"),
        "dwell_ms": F.col("dwell_ms"),
        "follow_short_stops": impression * (F.col("position") > 1).cast("int") * F.col("short_stop"),
        **packed_bins(F.when((F.col("play") == 1) & F.col("is_timed"), bin_of(F.col("dwell_ms")))),
    }
    cell = F.least(F.col("position"), F.lit(TAIL)).alias("cell")
    flat = chained.select(*who, "track_id", cell, *[c.alias(n) for n, c in columns.items()])
    summed = flat.groupBy(*who, "track_id", "cell").agg(*[F.sum(n).alias(n) for n in columns])
    return summed.select(
        *who,
        "track_id",
        "cell",
        "impressions",
        "rephrases",
        *[n for n in (*SUMS, *PACKED) if n not in ("impressions", "rephrases")],
    )


def _search_counts(searches: DataFrame, events: DataFrame) -> DataFrame:
    """One row per (search_date, locale, query, client): searches of people and of bots.

    Those of people are counted as all, satisfied and rephrased ones.
    """
    per_search = chains(events).groupBy(*SEARCH).agg(F.max(_is_satisfied().cast("int")).alias("is_satisfied"))
    human = (~F.col("is_bot")).cast("int")
    joined = searches.join(per_search, [*SEARCH], "left")
    satisfied = F.coalesce("is_satisfied", F.lit(0)) * human
    return joined.groupBy("search_date", "locale", "query", "client").agg(
        F.sum(human).alias("searches"),
        F.sum(satisfied).alias("satisfied"),
        F.sum(F.col("is_rephrased").cast("int") * human).alias("rephrased"),
        F.sum(F.col("is_bot").cast("int")).alias("bot_searches"),
    )


def _as_declared(name: str, type_name: str) -> Column:
    return F.col(name).cast(type_name).alias(name)
