"""The tables `wordings` and `needs` of a night, from its searches, plays and catalog."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.rows import frame_of
from lake.tables.nightly import NEEDS, WORDINGS
from night.night import Night
from night.wordings import attributes_of, decided, moved_wordings
from queries.grammar.need import NAMED_GROUPS
from queries.nightly.closure import closure
from queries.nightly.demand import play_shape, with_tier
from queries.nightly.traffic import asked_needs, asked_wordings, language_of
from queries.nightly.understand import NEED_COLUMNS, readings

LANGUAGES = ("en", "es")  # a suggested need that names nothing gets a list in each

_NOT_MOVED = "language string, query string, at int, evidence double, votes array<int>"


def wordings_of_night(
    night: Night, searches: DataFrame, plays: DataFrame | None, recent: date, before: str | None
) -> tuple[DataFrame, DataFrame]:
    """The readings (`queries.nightly.understand.readings`) and the rows of WORDINGS.

    Args:
        night: the night.
        searches: rows of SEARCH_LOG of the days whose plays are to be known by need.
        plays: `events.engagement.pleased_plays` of the days from `recent` on; None if nobody reacted.
        recent: first of the days whose traffic counts.
        before: the run_date of the night whose wordings stay where they moved, or None.
    """
    asked = asked_wordings(searches, recent, night.k).persist()
    distinct = asked.where(F.length("locale") == 2).select(F.col("locale").alias("language"), "query")
    tracks = night.tracks(allow_unvalidated=True)
    read = readings(distinct, tracks)
    moved = (
        frame_of(night.spark, [], _NOT_MOVED) if plays is None else moved_wordings(night, read, plays, tracks, before)
    )
    chosen = decided(read, moved)
    # a wording that is public in `*` alone is read as the language that asks for it most
    language = F.when(F.col("locale") == "*", F.col("_most")).otherwise(F.substring("locale", 1, 2))
    most = (
        asked.where(F.length("locale") == 2)
        .groupBy("query")
        .agg(F.max_by("locale", F.struct("searches_28d", F.col("locale"))).alias("_most"))
    )
    rows = asked.join(most, "query").withColumn("language", language).join(chosen, ["language", "query"])
    rows = rows.withColumn("run_date", F.lit(night.run_date))
    return read, rows.select(*[F.col(c.name).cast(c.type) for c in WORDINGS.columns])


def needs_of_night(
    night: Night,
    searches: DataFrame,
    plays: DataFrame | None,
    recent: date,
    read: DataFrame,
    need_by_wording: DataFrame,
) -> DataFrame:
    """The rows of NEEDS: needs that were asked, in each place, and those that catalog and grammar suggest.

    Args:
        night: the night.
        searches: rows of SEARCH_LOG.
        plays: `events.engagement.pleased_plays`, or None.
        recent: first of the days that count.
        read: `queries.nightly.understand.readings`.
        need_by_wording: (language, query, need), as the night decided.
    """
    asked = asked_needs(searches, need_by_wording, recent, night.k).localCheckpoint()
    suggested = closure(night.tracks(allow_unvalidated=True), night.settings.closure, night.settings.ranking.max_needs)
    suggested = suggested.localCheckpoint()
    known = attributes_of(read).unionByName(suggested.select(*NEED_COLUMNS)).dropDuplicates(["need"])
    is_named = F.col("intent_group").isin(*NAMED_GROUPS)
    places = F.when(is_named, F.array(F.lit("*"))).otherwise(F.array(*[F.lit(x) for x in LANGUAGES]))
    placed = suggested.select("need", "demand", F.explode(places).alias("locale"))
    both = asked.join(placed, ["locale", "need"], "full").join(known, "need")
    both = both.withColumns(
        {
            "language": language_of(),
            "is_suggested": F.col("demand").isNotNull(),
            "demand": F.coalesce("demand", F.lit(0.0)),
            "searches_28d": F.coalesce("searches_28d", F.lit(0)),
            "people_28d": F.coalesce("people_28d", F.lit(0)),
            "is_public": F.coalesce("is_public", F.lit(False)),
            "run_date": F.lit(night.run_date),
        }
    )
    units = [u for u in night.lake.commits(NEEDS) if u < night.settings.run_date]
    previous = night.lake.read(NEEDS, [max(units)], allow_unvalidated=True) if units else None
    tiered = with_tier(both, previous)
    if plays is None:
        nothing = F.lit(None).cast("double")
        tiered = tiered.withColumns({"play_entropy": nothing, "play_volatility": nothing})
    else:
        mapped = plays.withColumn("language", F.substring("locale", 1, 2)).join(need_by_wording, ["language", "query"])
        tiered = tiered.join(play_shape(mapped, night.run_date), ["locale", "need"], "left")
    return tiered.select(*[F.col(c.name).cast(c.type) for c in NEEDS.columns])
