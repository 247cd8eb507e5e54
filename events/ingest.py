"""Classify delivered searches and events as accepted, duplicate or quarantined; every row gets exactly one outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from events.contract import SURFACE_OF, event_rules, instant, reasons, search_rules
from events.duplicates import with_repeats
from events.privacy import masked, with_pseudonym, without_contacts
from events.raw_text import KEY, raw_texts
from events.reading import PLACE
from lake.checkpoint import checkpointed
from lake.errors import RowsUnaccounted
from lake.joins import if_small
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
class ClassifiedRows:
    """Delivered rows of one source with their outcomes.

    Attributes:
        rows: The rows, with `outcome`, `reasons`, `is_forgotten` and all columns of the accepted table.
        source: "search" or "event".
        files: The files that the rows were read from.
    """

    rows: DataFrame
    source: str
    files: Sequence[Path] = ()

    def accepted(self) -> DataFrame:
        """The accepted rows with the columns of their table, without those of forgotten people."""
        table = SEARCH_LOG if self.source == "search" else ENGAGEMENT_EVENTS
        is_stored = (F.col("outcome") == ACCEPTED) & ~F.col("is_forgotten")
        return self.rows.where(is_stored).select(*[c.name for c in table.columns])

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

    Contacts in the request are masked before it is normalised.

    Args:
        parsed: Delivered rows, as `events.reading.rows` gives them.
        key: The frame of `events.privacy.key_frame`.
        normalised: Gives (raw_query, locale, query, is_too_long) of distinct (raw_query, locale): `queries.nightly.understand`.
        forgotten: (user_id) pseudonyms of people who asked to be forgotten; None if there are none.
        requests: The (raw_query, locale) of `parsed`, where they were read separately (`events.reading.requests`).
    """
    frame = parsed.withColumn("at", instant(F.col("ts"))).withColumn("raw_query", without_contacts("raw_query"))
    asked = parsed.select("raw_query", "locale") if requests is None else requests
    asked = asked.where("raw_query is not null and locale is not null")
    asked = asked.select(without_contacts("raw_query").alias("raw_query"), "locale").distinct()
    # rows with a null request or locale match nothing in this join; their own rules quarantine them
    frame = frame.join(normalised(asked), ["raw_query", "locale"], "left")
    # the rules run before the pseudonym is computed: the keyed hash of a blank id would look like a listener
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
    """One row per delivered event with `reasons` and the day of its search. Grain: as `parsed`.

    An event without a search delivered within `days_late` days of it is `no_search`, and waits in quarantine until the search is
    delivered. An event on a track or position that was not served is `not_served`. Where a reused id names two such searches, the
    event belongs to the last one delivered by the event's own day, else to the first one delivered after it.

    Args:
        parsed: Delivered rows, as `events.reading.rows` gives them.
        searches: search_id, results, search_date, delivered_date and is_forgotten of accepted searches.
        known_tracks: The catalog, with track_id.
        days_late: The lateness, in days.
    """
    own = searches.select(
        F.col("search_id").alias("_search_id"),
        F.col("results").alias("_results"),
        F.col("search_date").alias("_search_date"),
        F.col("delivered_date").alias("_search_delivered"),
        F.col("is_forgotten").alias("_forgotten"),
    )
    own = _with_delivery_range(own, days_late)
    is_own = (F.col("search_id") == F.col("_search_id")) & F.col("delivered_date").between(F.col("_from"), F.col("_to"))
    known = if_small(known_tracks.select("track_id", F.lit(True).alias("_known")))
    frame = parsed.withColumn("at", instant(F.col("ts"))).join(own, is_own, "left")
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


def _with_delivery_range(searches: DataFrame, days_late: int) -> DataFrame:
    """Add [`_from`, `_to`], the delivery days of the events that belong to a search; ranges of one id do not overlap.

    Events may be delivered up to `days_late` days before or after their search. `with_repeats` keeps an id once within any
    `days_late` days. Where an id is used again, the range of a search begins after that of the search before it, at the latest
    on its own delivery day, and ends on the day before the next search is delivered. Only ids of several searches are sorted;
    nearly always there are none.
    """
    from pyspark.sql import Window

    day = F.col("_search_delivered")
    plain = searches.withColumn("_from", F.date_sub(day, days_late)).withColumn("_to", F.date_add(day, days_late))
    hashed = F.xxhash64("_search_id").alias("_h")
    reused = checkpointed(searches.groupBy(hashed).agg(F.count("*").alias("n")).where("n > 1").select("_h"))
    if reused.isEmpty():
        return plain
    keyed = plain.withColumn("_h", hashed)
    uses = Window.partitionBy("_search_id").orderBy(day)
    before, after = F.lag(day).over(uses), F.lead(day).over(uses)
    # least and greatest skip nulls: the first use has no use before it, the last none after it
    begins = F.when(before.isNotNull(), F.least(F.date_add(before, days_late + 1), day))
    cut = {"_from": F.greatest("_from", begins), "_to": F.least("_to", F.date_sub(after, 1))}
    cut_ranges = keyed.join(F.broadcast(reused), "_h", "left_semi").withColumns(cut).select(*plain.columns)
    return keyed.join(F.broadcast(reused), "_h", "left_anti").select(*plain.columns).unionByName(cut_ranges)


def with_outcome(judged: DataFrame, source: str, earlier: DataFrame | None, days_late: int) -> DataFrame:
    """Add the `outcome` of each row: ACCEPTED, DUPLICATE, CONFLICT or QUARANTINED.

    Rows of forgotten people count as accepted, broken or not, and are stored nowhere.

    Args:
        judged: Rows of `judged_searches` or `judged_events`.
        source: "search" or "event".
        earlier: Rows accepted from earlier folders within the lateness; None if there are none.
        days_late: The lateness, in days.
    """
    good = F.size("reasons") == 0
    id_column, content = ("search_id", SEARCH_CONTENT) if source == "search" else ("event_id", EVENT_CONTENT)
    frame = with_repeats(judged.where(good), judged, id_column, content, earlier, days_late)
    outcome = F.when(F.col("is_forgotten"), F.lit(ACCEPTED)).when(~good, F.lit(QUARANTINED))
    outcome = outcome.otherwise(F.coalesce("repeat", F.lit(ACCEPTED)))
    return frame.withColumn("outcome", outcome).drop("repeat")


def quarantine(
    spark: SparkSession, sides: list[ClassifiedRows], expected: Mapping[str, int] | None = None
) -> DataFrame:
    """One row per quarantined row of any source: raw text with the user id replaced, file, line, every reason.

    Args:
        spark: The session.
        sides: The classified rows of each source.
        expected: Source file -> number of quarantined rows, as DELIVERED_FILES has them; None to count them here.

    Raises:
        RowsUnaccounted: Another number of rows is found in a file than is expected.
    """
    parts = []
    for side in sides:
        bad = side.rows.where(F.col("outcome") == QUARANTINED)
        if expected is None:
            wanted = {r[0]: r[1] for r in bad.groupBy("source_file").count().collect()}
        else:
            wanted = {f: n for f, n in expected.items() if n and f.startswith(side.folder + "/")}
        if not wanted:
            continue
        # an event has no user id of its own; whatever looks like one in its text is masked
        person = F.col("user_id") if side.source == "search" else F.lit(None).cast("string")
        # copies of a line in a file break the same rules: they are one key here, and `raw_texts` gives a row for each copy
        bad = checkpointed(bad.select("delivered_date", *KEY, "reasons", person.alias("user_id")).distinct())
        texts = raw_texts(spark, bad.select(*KEY), side.files, side.folder, wanted)
        matches = checkpointed(bad.join(texts, [*KEY]))
        _check_counts(wanted, {r[0]: r[1] for r in matches.groupBy("source_file").count().collect()})
        text = masked(F.col("raw_text"), F.col("user_id"))
        parts.append(
            matches.select(
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


def _check_counts(expected: Mapping[str, int], counts: Mapping[str, int]) -> None:
    """Raise RowsUnaccounted unless both have the same number of rows for each source file."""
    wrong = sorted(f for f in {*expected, *counts} if expected.get(f, 0) != counts.get(f, 0))
    if wrong:
        first = wrong[0]
        raise RowsUnaccounted(
            f"{first}: {counts.get(first, 0):,} of {expected.get(first, 0):,} rows to be quarantined were found again ({len(wrong)} such "
            f"files in all): the file changed while it was read. Nothing was written; run jobs.ingest again when it is complete."
        )


def delivered_files(sides: list[ClassifiedRows]) -> DataFrame:
    """One row per delivered file: received = accepted + duplicate + quarantined.

    `foreign_fields` is estimated from the rows whose field names were read (`foreign` is not null): their sum, times rows
    received / rows read.
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
    accounts = reduce(lambda a, b: a.unionByName(b), parts)
    return accounts.select(*[c.name for c in DELIVERED_FILES.columns])
