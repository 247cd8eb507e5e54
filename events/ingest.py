"""Delivered searches and events sorted into accepted, duplicate and quarantined; every row ends in exactly one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from events.contract import CORRUPT, SURFACE_OF, event_rules, reasons, search_rules
from events.privacy import masked, with_pseudonym
from lake.tables import DELIVERED_FILES, ENGAGEMENT_EVENTS, QUARANTINE, SEARCH_LOG

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ACCEPTED, DUPLICATE, CONFLICT, QUARANTINED = "accepted", "duplicate", "duplicate_conflict", "quarantined"


@dataclass(frozen=True)
class Sorted:
    """Rows of one source with `outcome` and `reasons`; all fields of the accepted table are there."""

    rows: DataFrame
    source: str

    def accepted(self) -> DataFrame:
        """Rows that stand, with the accepted table's columns."""
        from pyspark.sql import functions as F

        table = SEARCH_LOG if self.source == "search" else ENGAGEMENT_EVENTS
        return self.rows.where(F.col("outcome") == ACCEPTED).select(*[c.name for c in table.columns])


def sorted_searches(
    delivered: DataFrame, key: DataFrame, normalised: Callable[[DataFrame], DataFrame], earlier: DataFrame | None,
    days_late: int,
) -> Sorted:  # fmt: skip
    """One row per delivered search, with its outcome.

    `normalised` gives (raw_query, locale, query, is_too_long) for distinct requests (`queries.understand`);
    `earlier` holds (search_id, ts, raw_query) of searches accepted from folders before these, within the lateness.
    """
    from pyspark.sql import functions as F

    frame = delivered.withColumn("at", F.try_to_timestamp("ts"))
    requests = frame.select("raw_query", "locale").where("raw_query is not null and locale is not null").distinct()
    # NULL-safe by construction: rows without a request find no partner and are quarantined by their own rule
    frame = frame.join(normalised(requests), ["raw_query", "locale"], "left")
    # judged before the pseudonym: the keyed hash of a blank id would look like a listener
    frame = with_pseudonym(frame.withColumn("reasons", reasons(search_rules(days_late))), key)
    surface = F.create_map(*[F.lit(x) for pair in SURFACE_OF.items() for x in pair])
    frame = frame.select(
        "delivered_date", "source_file", "line", "raw_text", "reasons", "search_id", "user_id",
        F.col("at").alias("ts"), "client", F.try_element_at(surface, F.col("client")).alias("surface"), "locale",
        "query", "raw_query", "results", "release_id", "variant", "propensity",
        F.to_date("at").alias("search_date"),
    )  # fmt: skip
    content = F.xxhash64(
        "user_id", "ts", "client", "locale", "raw_query", "results", "release_id", "variant", "propensity"
    )
    return Sorted(_with_outcome(frame, "search_id", content, earlier, ["ts", "raw_query"]), "search")


def sorted_events(
    delivered: DataFrame, searches: DataFrame, known_tracks: DataFrame, earlier: DataFrame | None, days_late: int
) -> Sorted:
    """One row per delivered event, with its outcome.

    `searches` holds (search_id, results, search_date) of accepted searches within the lateness, `known_tracks`
    (track_id) of the catalog, `earlier` (event_id, ts) accepted before. An event without its search is `no_search`,
    one on a track or position that was not served is `not_served`.
    """
    from pyspark.sql import functions as F

    own = searches.select("search_id", F.col("results").alias("_results"), F.col("search_date").alias("_search_date"))
    frame = (
        delivered.withColumn("at", F.try_to_timestamp("ts"))
        .withColumn("_known", F.lit(True))
        .drop("_known")
        .join(own, "search_id", "left")
        .join(F.broadcast(known_tracks.select("track_id", F.lit(True).alias("_known"))), "track_id", "left")
    )
    position = F.col("position").cast("bigint")
    served = F.when(
        (position >= 1) & (position <= F.size("_results")),
        F.element_at("_results", F.coalesce(position, F.lit(1)).cast("int")),
    )
    rules = event_rules(days_late) | {
        "unknown_track": lambda: F.col("track_id").isNotNull() & F.col("_known").isNull(),
        "no_search": lambda: F.col("search_id").isNotNull() & F.col("_results").isNull(),
        "not_served": lambda: F.col("_results").isNotNull() & ~F.coalesce(served == F.col("track_id"), F.lit(False)),
    }
    frame = frame.withColumn("reasons", reasons(rules)).select(
        "delivered_date", "source_file", "line", "raw_text", "reasons", "event_id", "search_id", "track_id",
        F.col("position").try_cast("int").alias("position"), F.col("at").alias("ts"), "kind", "dwell_ms",
        F.col("_search_date").alias("search_date"), F.lit(None).cast("string").alias("user_id"),
    )  # fmt: skip
    content = F.xxhash64("search_id", "track_id", "position", "ts", "kind", "dwell_ms")
    return Sorted(_with_outcome(frame, "event_id", content, earlier, ["ts"]), "event")


def _with_outcome(
    frame: DataFrame, id_column: str, content: object, earlier: DataFrame | None, same: list[str]
) -> DataFrame:
    """Say of each row what became of it: the first of an id stands (folder, then `ts`, then content), others don't."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    frame = frame.withColumn("_content", content)  # type: ignore[arg-type]
    good = F.size("reasons") == 0
    # a broken row must not take the id from a good one: it competes in a group of its own
    order = Window.partitionBy(id_column, good).orderBy("delivered_date", "ts", "_content", "source_file", "line")
    frame = frame.withColumn("_rank", F.row_number().over(order)).withColumn("_first", F.first("_content").over(order))
    repeat = (F.col("_rank") > 1) & good
    conflict = repeat & (F.col("_content") != F.col("_first"))
    if earlier is not None:
        known = earlier.select(id_column, F.lit(True).alias("_before"), *[F.col(c).alias(f"_was_{c}") for c in same])
        frame = frame.join(known, id_column, "left")
        before = good & F.col("_before").isNotNull()
        differs = reduce(lambda a, b: a | b, [~F.col(c).eqNullSafe(F.col(f"_was_{c}")) for c in same])
        conflict = conflict | (before & differs)
        repeat = repeat | before
    outcome = (
        F.when(~good, F.lit(QUARANTINED))
        .when(F.coalesce(conflict, F.lit(False)), F.lit(CONFLICT))
        .when(repeat, F.lit(DUPLICATE))
        .otherwise(F.lit(ACCEPTED))
    )
    return frame.withColumn("outcome", outcome)


def quarantine(sides: list[Sorted]) -> DataFrame:
    """One row per quarantined row of any source: raw text with the user id replaced, file, line, every reason."""
    from pyspark.sql import functions as F

    parts = [
        side.rows.where(F.col("outcome") == QUARANTINED).select(
            "delivered_date", F.lit(side.source).alias("source"), "source_file", "line",
            masked(F.col("raw_text"), F.col("user_id")).alias("raw_text"), "reasons",
        )
        for side in sides
    ]  # fmt: skip
    return reduce(lambda a, b: a.unionByName(b), parts).select(*[c.name for c in QUARANTINE.columns])


def delivered_files(sides: list[Sorted]) -> DataFrame:
    """One row per delivered file: received = accepted + duplicate + quarantined."""
    from pyspark.sql import functions as F

    def of(*outcomes: str) -> object:
        return F.count_if(F.col("outcome").isin(*outcomes))

    parts = [
        side.rows.groupBy("delivered_date", F.lit(side.source).alias("source"), "source_file").agg(
            F.count("*").alias("received"),
            of(ACCEPTED).alias("accepted"),  # type: ignore[attr-defined]
            of(DUPLICATE, CONFLICT).alias("duplicate"),  # type: ignore[attr-defined]
            of(CONFLICT).alias("duplicate_conflict"),  # type: ignore[attr-defined]
            of(QUARANTINED).alias("quarantined"),  # type: ignore[attr-defined]
        )
        for side in sides
    ]
    return reduce(lambda a, b: a.unionByName(b), parts).select(*[c.name for c in DELIVERED_FILES.columns])


__all__ = ["CORRUPT", "Sorted", "delivered_files", "quarantine", "sorted_events", "sorted_searches"]
