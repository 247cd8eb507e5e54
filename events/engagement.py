"""A day's additive partials: what was shown or sounded for each query, and what listeners did with it."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from events.dwell import PACKED, bin_of, packed_bins, unpacked
from lake.columns import POSITIONS
from lake.tables.daily import DAILY_ENGAGEMENT, DAILY_SEARCHES, ENGAGEMENT_MEASURES

LONG_PLAY_MS = 30_000
LONGEST_PLAY_MS = 86_400_000  # what is told beyond a day is a paused device, and counts as a day
TAIL = POSITIONS + 1  # ranks beyond POSITIONS share one cell
SUMS = tuple(c.name for c in ENGAGEMENT_MEASURES)
COUNT_VERSION = 6  # raise it when the meaning of a count changes: days are then counted again


@dataclass(frozen=True)
class DayCounts:
    """The two tables counted from the same impressions."""

    daily_engagement: DataFrame
    daily_searches: DataFrame


def chains(events: DataFrame) -> DataFrame:
    """One row per (search_id, track_id, position) with a reaction: the events of one chain folded together.

    `dwell_ms` is cumulative in a chain, so its value is the maximum, never the sum (input contract); 0 where none is told
    (`is_timed` says which). A long play is 30 s heard, or the end reached; a skip or stop of which no time is told is a short one.
    """

    def has(*kinds: str) -> Column:
        return F.max(F.col("kind").isin(*kinds).cast("int"))

    dwell = F.when(F.col("dwell_ms") > LONGEST_PLAY_MS, F.lit(LONGEST_PLAY_MS)).otherwise(F.col("dwell_ms"))
    grouped = events.groupBy("search_id", "track_id", "position").agg(
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
    sounded = (F.col("started") == 1) | (F.col("dwell_ms") > 0) | (F.col("complete") == 1)  # its `play` may be lost
    stopped = ((F.col("stop") == 1) | (F.col("skip") == 1)) & ~heard
    columns = {"play": sounded, "long_play": heard, "short_stop": stopped}
    flags = {name: so.cast("int") for name, so in columns.items()} | {"is_timed": F.col("timed") > 0}
    return grouped.withColumns(flags).drop("started", "timed")


def _pleased() -> Column:
    """Whether a chain pleased: heard long, saved or liked."""
    return (F.col("long_play") == 1) | (F.col("save") == 1) | (F.col("like") == 1)


def pleased_plays(searches: DataFrame, events: DataFrame) -> DataFrame:
    """One row per (search_id, track_id, position) that was heard long, saved or liked, with its search's locale, query,
    user_id and search_date."""
    heard = chains(events).where(_pleased()).select("search_id", "track_id", "position")
    return heard.join(searches.select("search_id", "locale", "query", "user_id", "search_date"), "search_id")


def counted_days(searches: DataFrame, events: DataFrame) -> DayCounts:
    """The partials of the days in `searches` (with is_rephrased and is_bot, bots left out); integer sums throughout.

    Grain out: (search_date, locale, query, track_id, client), and (search_date, locale, query, client).
    Screens: every entry of `results` is an impression. Voice: only what sounded; a queued track that never sounded is none.

    What was shown is counted from the searches alone, what became of it from the chains of events alone, and the two sums are
    added: no impression is ever joined.
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
    chained = _reactions(people, events)
    sums = [m for m in SUMS if m not in ("impressions", "rephrases")]
    nothing = F.lit(0).cast("bigint")
    none = [nothing.alias(m) for m in (*sums, *PACKED)]
    both = shown.select(*who, "track_id", "cell", "impressions", "rephrases", *none)
    both = both.unionByName(chained)

    def by_position(value: str) -> Column:
        return F.array(*[F.sum(F.when(F.col("cell") == p, F.col(value)).otherwise(0)) for p in range(1, TAIL + 1)])

    daily = both.groupBy(*who, "track_id").agg(
        *[F.sum(m).alias(m) for m in SUMS],
        F.array(*unpacked([F.sum(m) for m in PACKED])).alias("plays_by_dwell"),
        *[by_position(m).alias(f"{m}_by_position") for m in ("impressions", "clicks", "long_plays")],
    )
    # a reaction counts for a day only where its track was shown that day: always so, since a chain has its search
    return DayCounts(
        daily.select(*[_as_declared(c.name, c.type) for c in DAILY_ENGAGEMENT.columns]),
        _asked(searches, events).select(*[_as_declared(c.name, c.type) for c in DAILY_SEARCHES.columns]),
    )


def _reactions(people: DataFrame, events: DataFrame) -> DataFrame:
    """Sums of what became of impressions, by (search_date, locale, query, client, track_id, cell).

    On a screen a play follows a choice, whether or not the client logged the tap itself. On voice a chain is the impression:
    nobody reacts to a track that did not sound, also where its `play` is late or lost.
    """
    who = ["search_date", "locale", "query", "client"]
    asked = people.select("search_id", *who, "surface", F.col("is_rephrased").cast("int").alias("again"))
    seen = chains(events).join(asked, "search_id")
    screen = F.col("surface") == "screen"
    heard = F.when(screen, F.lit(0)).otherwise(F.lit(1))
    clicked = (screen & ((F.col("tapped") == 1) | (F.col("play") == 1))).cast("int")
    columns = {
        "impressions": heard,
        "rephrases": heard * F.col("again"),
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
        "satisfied": _pleased().cast("int"),
        "dwell_ms": F.col("dwell_ms"),
        "follow_short_stops": heard * (F.col("position") > 1).cast("int") * F.col("short_stop"),
        **packed_bins(F.when((F.col("play") == 1) & F.col("is_timed"), bin_of(F.col("dwell_ms")))),
    }
    cell = F.least(F.col("position"), F.lit(TAIL)).alias("cell")
    flat = seen.select(*who, "track_id", cell, *[c.alias(n) for n, c in columns.items()])
    summed = flat.groupBy(*who, "track_id", "cell").agg(*[F.sum(n).alias(n) for n in columns])
    return summed.select(
        *who,
        "track_id",
        "cell",
        "impressions",
        "rephrases",
        *[n for n in (*SUMS, *PACKED) if n not in ("impressions", "rephrases")],
    )


def _asked(searches: DataFrame, events: DataFrame) -> DataFrame:
    """One row per (search_date, locale, query, client): searches of people, how many pleased, and bots' searches."""
    per_search = chains(events).groupBy("search_id").agg(F.max(_pleased().cast("int")).alias("pleased"))
    human = (~F.col("is_bot")).cast("int")
    joined = searches.join(per_search, "search_id", "left")
    pleased = F.coalesce("pleased", F.lit(0)) * human
    return joined.groupBy("search_date", "locale", "query", "client").agg(
        F.sum(human).alias("searches"),
        F.sum(pleased).alias("satisfied"),
        F.sum(F.col("is_rephrased").cast("int") * human).alias("rephrased"),
        F.sum(F.col("is_bot").cast("int")).alias("bot_searches"),
    )


def _as_declared(name: str, type_name: str) -> Column:
    return F.col(name).cast(type_name).alias(name)
