"""Delivered searches and events sorted into accepted, duplicate and quarantined; every row ends in exactly one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from events.contract import SURFACE_OF, event_rules, reasons, search_rules
from events.duplicates import with_repeats
from events.privacy import masked, with_pseudonym, without_contacts
from events.raw_text import KEY, raw_texts
from events.reading import PLACE
from lake.errors import RowsUnaccounted
from lake.schema import struct
from lake.tables.logs import DELIVERED_FILES, ENGAGEMENT_EVENTS, QUARANTINE, SEARCH_LOG

ACCEPTED, DUPLICATE, CONFLICT, QUARANTINED = "accepted", "duplicate", "duplicate_conflict", "quarantined"
SEARCH_CONTENT = (
    "user_id",
    "ts",
    "client",
    "locale",
    "raw_query",
    "results",
    "release_id",
    "variant",
    "propensity",
)
EVENT_CONTENT = ("search_id", "track_id", "position", "ts", "kind", "dwell_ms")


@dataclass(frozen=True)
class Sorted:
    """Rows of one source ("search" or "event") with `outcome`, `reasons` and `is_forgotten`.

    All fields of the accepted table are there. `files` are those that the rows were read from.
    """

    rows: DataFrame
    source: str
    files: Sequence[Path] = ()

    def accepted(self) -> DataFrame:
        """Rows that stand, with the accepted table's columns."""
        table = SEARCH_LOG if self.source == "search" else ENGAGEMENT_EVENTS
        stands = (F.col("outcome") == ACCEPTED) & ~F.col("is_forgotten")
        return self.rows.where(stands).select(*[c.name for c in table.columns])

    @property
    def folder(self) -> str:
        """Name of the source's folder in the logs."""
        return "searches" if self.source == "search" else "events"


def judged_searches(
    parsed: DataFrame,
    key: DataFrame,
    normalised: Callable[[DataFrame], DataFrame],
    forgotten: DataFrame | None,
    requests: DataFrame | None = None,
) -> DataFrame:
    """One row per delivered search with `reasons`, the normal form and the pseudonym. Grain: as `parsed`.

    `normalised` gives (raw_query, locale, query, is_too_long) for distinct requests (`queries.nightly.understand`); these are
    `requests`, where they were read apart (`reading.requests`), else those of `parsed`;
    `forgotten` holds (user_id) pseudonyms of people who asked to be forgotten. Contacts in the request are masked first.
    """
    frame = parsed.withColumn("at", F.try_to_timestamp("ts")).withColumn("raw_query", without_contacts("raw_query"))
    asked = parsed.select("raw_query", "locale") if requests is None else requests
    asked = asked.where("raw_query is not null and locale is not null")
    asked = asked.select(without_contacts("raw_query").alias("raw_query"), "locale").distinct()
    # NULL-safe by construction: rows without a request find no partner and are quarantined by their own rule
    frame = frame.join(normalised(asked), ["raw_query", "locale"], "left")
    # judged before the pseudonym: the keyed hash of a blank id would look like a listener
    frame = with_pseudonym(frame.withColumn("reasons", reasons(search_rules())), key)
    if forgotten is None:
        frame = frame.withColumn("is_forgotten", F.lit(False))
    else:
        gone = forgotten.select("user_id", F.lit(True).alias("_gone"))
        frame = frame.join(F.broadcast(gone), "user_id", "left")
        frame = frame.withColumn("is_forgotten", F.col("_gone").isNotNull())
    surface = F.create_map(*[F.lit(x) for pair in SURFACE_OF.items() for x in pair])
    return frame.select(
        *PLACE,
        "foreign",
        "reasons",
        "is_forgotten",
        "search_id",
        "user_id",
        F.col("at").alias("ts"),
        "client",
        F.try_element_at(surface, F.col("client")).alias("surface"),
        "locale",
        "query",
        "raw_query",
        "results",
        "release_id",
        "variant",
        "propensity",
        F.to_date("at").alias("search_date"),
    )


def judged_events(parsed: DataFrame, searches: DataFrame, known_tracks: DataFrame, days_late: int) -> DataFrame:
    """One row per delivered event with `reasons` and its search's day. Grain: as `parsed`.

    `searches` holds (search_id, results, search_date, delivered_date, is_forgotten) of accepted searches; `known_tracks`
    (track_id) of the catalog. An event without a search delivered within `days_late` days of it is `no_search` (and waits
    in quarantine until it comes); one on a track or position that was not served is `not_served`. Where an id that was used
    again names two such searches, the event belongs to the last one delivered by its own day, else to the first after it.
    """
    own = searches.select(
        F.col("search_id").alias("_search_id"),
        F.col("results").alias("_results"),
        F.col("search_date").alias("_search_date"),
        F.col("delivered_date").alias("_search_delivered"),
        F.col("is_forgotten").alias("_forgotten"),
    )
    own = _once_near(own, days_late)
    is_own = (F.col("search_id") == F.col("_search_id")) & F.col("delivered_date").between(F.col("_from"), F.col("_to"))
    known = F.broadcast(known_tracks.select("track_id", F.lit(True).alias("_known")))
    frame = parsed.withColumn("at", F.try_to_timestamp("ts")).join(own, is_own, "left")
    frame = frame.withColumn("_near", F.col("_search_id").isNotNull()).join(known, "track_id", "left")
    position = F.col("position").cast("bigint")
    served = F.when(
        (position >= 1) & (position <= F.size("_results")),
        F.element_at("_results", F.coalesce(position, F.lit(1)).cast("int")),
    )
    rules = event_rules(days_late) | {
        "unknown_track": lambda: F.col("track_id").isNotNull() & F.col("_known").isNull(),
        "no_search": lambda: F.col("search_id").isNotNull() & ~F.col("_near"),
        "not_served": lambda: F.col("_near") & ~F.coalesce(served == F.col("track_id"), F.lit(False)),
    }
    return frame.select(
        *PLACE,
        "foreign",
        reasons(rules).alias("reasons"),
        (F.col("_near") & F.coalesce("_forgotten", F.lit(False))).alias("is_forgotten"),
        "event_id",
        "search_id",
        "track_id",
        F.col("position").try_cast("int").alias("position"),
        F.col("at").alias("ts"),
        "kind",
        "dwell_ms",
        F.col("_search_date").alias("search_date"),
    )


def _once_near(searches: DataFrame, days_late: int) -> DataFrame:
    """Add the delivery days [`_from`, `_to`] of the events that belong to a search: no day twice for one `_search_id`.

    Days of deliveries may lie `days_late` before or after; an id stands once in any `days_late` days, so that one used again has
    its days cut at those of the next use. Only ids of several searches are sorted, and nearly always there is none.
    """
    from pyspark.sql import Window

    day = F.col("_search_delivered")
    plain = searches.withColumn("_from", F.date_sub(day, days_late)).withColumn("_to", F.date_add(day, days_late))
    hashed = F.xxhash64("_search_id").alias("_h")
    several = searches.groupBy(hashed).agg(F.count("*").alias("n")).where("n > 1").select("_h").localCheckpoint()
    if several.isEmpty():
        return plain
    keyed = plain.withColumn("_h", hashed)
    uses = Window.partitionBy("_search_id").orderBy(day)
    before, after = F.lag(day).over(uses), F.lead(day).over(uses)
    # (least and greatest pass nulls over: of the first use there is none before)
    begins = F.when(before.isNotNull(), F.least(F.date_add(before, days_late + 1), day))
    cut = {"_from": F.greatest("_from", begins), "_to": F.least("_to", F.date_sub(after, 1))}
    again = keyed.join(F.broadcast(several), "_h", "left_semi").withColumns(cut).select(*plain.columns)
    return keyed.join(F.broadcast(several), "_h", "left_anti").select(*plain.columns).unionByName(again)


def with_outcome(judged: DataFrame, source: str, earlier: DataFrame | None, days_late: int) -> DataFrame:
    """Say of each row what became of it; `earlier`: rows accepted from folders before these, within the lateness.

    Rows of forgotten people count as accepted, broken or not, and are kept nowhere.
    """
    good = F.size("reasons") == 0
    id_column, said = ("search_id", SEARCH_CONTENT) if source == "search" else ("event_id", EVENT_CONTENT)
    frame = with_repeats(judged.where(good), judged, id_column, said, earlier, days_late)
    outcome = F.when(F.col("is_forgotten"), F.lit(ACCEPTED)).when(~good, F.lit(QUARANTINED))
    outcome = outcome.otherwise(F.coalesce("repeat", F.lit(ACCEPTED)))
    return frame.withColumn("outcome", outcome).drop("repeat")


def quarantine(spark: SparkSession, sides: list[Sorted], expected: Mapping[str, int] | None = None) -> DataFrame:
    """One row per quarantined row of any source: raw text with the user id replaced, file, line, every reason.

    `expected`: source file -> quarantined rows, as DELIVERED_FILES has them, where the caller knows them (counted here
    otherwise). Raises RowsUnaccounted unless exactly so many are found again in each file.
    """
    parts = []
    for side in sides:
        bad = side.rows.where(F.col("outcome") == QUARANTINED)
        if expected is None:
            due = {r[0]: r[1] for r in bad.groupBy("source_file").count().collect()}
        else:
            due = {f: n for f, n in expected.items() if n and f.startswith(side.folder + "/")}
        if not due:
            continue
        # an event names its listener by the search alone; whatever else looks like an id is cut
        person = F.col("user_id") if side.source == "search" else F.lit(None).cast("string")
        # copies of one line in a file break the same rules: each key once here, each copy once among the texts
        bad = bad.select("delivered_date", *KEY, "reasons", person.alias("user_id")).distinct().localCheckpoint()
        found = bad.join(raw_texts(spark, bad.select(*KEY), side.files, side.folder, due), [*KEY]).localCheckpoint()
        _check_found(due, {r[0]: r[1] for r in found.groupBy("source_file").count().collect()})
        text = masked(F.col("raw_text"), F.col("user_id"))
        parts.append(
            found.select(
                "delivered_date",
                F.lit(side.source).alias("source"),
                "source_file",
                "line",
                text.alias("raw_text"),
                "reasons",
            )
        )
    if not parts:
        return spark.createDataFrame([], struct(QUARANTINE))
    return reduce(lambda a, b: a.unionByName(b), parts).select(*[c.name for c in QUARANTINE.columns])


def _check_found(due: Mapping[str, int], found: Mapping[str, int]) -> None:
    wrong = sorted(f for f in {*due, *found} if due.get(f, 0) != found.get(f, 0))
    if wrong:
        first = wrong[0]
        raise RowsUnaccounted(
            f"{first}: {found.get(first, 0):,} of {due.get(first, 0):,} rows to be quarantined were found again ({len(wrong)} such "
            f"files in all): the file changed while it was read. Nothing was written; run jobs.ingest again when it is complete."
        )


def delivered_files(sides: list[Sorted]) -> DataFrame:
    """One row per delivered file: received = accepted + duplicate + quarantined.

    `foreign_fields` is the sum over the rows that were looked at (`foreign` is not null) times received / looked at.
    """

    def of(*outcomes: str) -> Column:
        return F.count_if(F.col("outcome").isin(*outcomes))

    parts = [
        side.rows.groupBy("delivered_date", F.lit(side.source).alias("source"), "source_file").agg(
            F.count("*").alias("received"),
            of(ACCEPTED).alias("accepted"),
            of(DUPLICATE, CONFLICT).alias("duplicate"),
            of(CONFLICT).alias("duplicate_conflict"),
            of(QUARANTINED).alias("quarantined"),
            F.count_if("is_forgotten").alias("forgotten"),
            F.round(F.coalesce(F.try_divide(F.sum(F.size("foreign")) * F.count("*"), F.count("foreign")), F.lit(0.0)))
            .cast("bigint")
            .alias("foreign_fields"),
            F.array_sort(F.array_distinct(F.flatten(F.collect_set("foreign")))).alias("foreign_names"),
        )
        for side in sides
    ]
    counted = reduce(lambda a, b: a.unionByName(b), parts)
    return counted.select(*[c.name for c in DELIVERED_FILES.columns])
