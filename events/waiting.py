"""Events delivered before their search: they wait in quarantine as `no_search`, and are accepted once the search is delivered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from events.contract import CORRUPT, EVENT_FIELDS, row_schema
from events.ingest import judged_events
from events.ubi import UbiSettings, ubi_parsed
from lake.tables.logs import DELIVERED_FILES, ENGAGEMENT_EVENTS, QUARANTINE


@dataclass(frozen=True)
class JoinedLate:
    """One delivered day after its waiting events were judged again.

    Attributes:
        events: All accepted events of the day.
        quarantine: All rows of the day that stay in quarantine.
        count: Number of waiting rows that left quarantine, duplicates included.
    """

    events: DataFrame
    quarantine: DataFrame
    count: int


def joined_late(
    quarantined: DataFrame | None,
    searches: DataFrame | None,
    events: DataFrame | None,
    tracks: DataFrame,
    unit: str,
    days_late: int,
    ubi: UbiSettings,
) -> JoinedLate | None:
    """Accept the waiting events of one delivered day whose search is known now; None if no event waits.

    An event waits if `no_search` is the only reason why it is in quarantine. A second run over the outcome changes nothing,
    since accepted events do not wait any more. The grains of the outcome are those of the tables.

    Args:
        quarantined: Quarantine of the day; None if there is none.
        searches: Accepted searches of the days within the lateness; None if there are none.
        events: Accepted events of the same days; None if there are none.
        tracks: The catalog, with track_id.
        unit: The delivered date.
        days_late: The lateness, in days.
        ubi: How UBI documents are read.
    """
    from pyspark.sql import Window

    if quarantined is None or searches is None:
        return None
    waiting = quarantined.where((F.col("source") == "event") & (F.col("reasons") == F.array(F.lit("no_search"))))
    whole = [n for n, t in EVENT_FIELDS.items() if t == "bigint"]
    parsed = waiting.withColumn("_p", F.from_json("raw_text", row_schema(EVENT_FIELDS)))
    parsed = parsed.withColumn("_d", F.from_json("raw_text", row_schema(dict.fromkeys(whole, "double"))))
    is_document, is_parquet = F.col("source_file").contains("ndjson"), F.col("source_file").endswith(".parquet")
    document = ubi_parsed(F.col("raw_text"), "events", ubi)
    fields = {n: F.when(is_document, document[n].cast(t)).otherwise(F.col(f"_p.{n}")) for n, t in EVENT_FIELDS.items()}
    for n in (
        whole
    ):  # pandas stores integers with missing values as doubles, and the JSON parser takes 45000.0 for no integer
        fields[n] = F.when(is_parquet, F.col(f"_d.{n}").try_cast(EVENT_FIELDS[n])).otherwise(fields[n])
    rows = parsed.select(
        "delivered_date",
        "source_file",
        F.col("line").alias("line_key"),
        F.col("line").alias("seen"),
        *[c.alias(n) for n, c in fields.items()],
        F.lit(False).alias(CORRUPT),
        F.array().cast("array<string>").alias("foreign"),
    )
    known = searches.withColumn("is_forgotten", F.lit(False))
    judged = judged_events(rows, known, tracks, days_late).persist()
    if judged.isEmpty():
        judged.unpersist()
        return None
    good = judged.where(F.size("reasons") == 0)
    places = good.select("source_file", F.col("seen").alias("line"))
    first = Window.partitionBy("event_id").orderBy("ts", "source_file", "seen")
    taken = good.withColumn("_n", F.row_number().over(first)).where((F.col("_n") == 1) & ~F.col("is_forgotten"))
    taken = taken.select(*[c.name for c in ENGAGEMENT_EVENTS.columns])
    all_events, day = taken, F.lit(date.fromisoformat(unit))
    if events is not None:  # an event accepted from another folder meanwhile makes the copy here a duplicate
        elsewhere = events.where(F.col("delivered_date") != day).select("event_id")
        taken = taken.join(elsewhere, "event_id", "left_anti")
        # an earlier run may have been killed after it wrote the same events: they are replaced, not doubled
        stored = events.where(F.col("delivered_date") == day)
        all_events = stored.join(taken.select("event_id"), "event_id", "left_anti").unionByName(taken)
    rest = quarantined.join(places, ["source_file", "line"], "left_anti").select(*[c.name for c in QUARANTINE.columns])
    return JoinedLate(all_events.select(*[c.name for c in ENGAGEMENT_EVENTS.columns]), rest, good.count())


def recounted(accounts: DataFrame, events: DataFrame | None, quarantined: DataFrame | None) -> DataFrame:
    """The accounts of one delivered day with accepted, duplicate and quarantined counted again from the tables.

    Only the counts of event files change: rows that are neither in engagement_events nor in quarantine are duplicates.

    Args:
        accounts: Rows of DELIVERED_FILES of the day.
        events: Accepted events of the day; None if there are none.
        quarantined: Quarantine of the day. None if it has expired: no event can have left it then, and the counts stay as they
            are.
    """
    frame = accounts.select(*[c.name for c in DELIVERED_FILES.columns])
    if quarantined is None:
        return frame
    for name, rows in (("_accepted", events), ("_quarantined", quarantined)):
        if rows is None:
            frame = frame.withColumn(name, F.lit(0))
            continue
        counts = rows.groupBy("source_file").agg(F.count("*").alias(name))
        frame = frame.join(F.broadcast(counts), "source_file", "left").withColumn(name, F.coalesce(name, F.lit(0)))
    is_event = F.col("source") == "event"
    accepted = F.when(is_event, F.col("_accepted") + F.col("forgotten")).otherwise(F.col("accepted"))
    n_quarantined = F.when(is_event, F.col("_quarantined")).otherwise(F.col("quarantined"))
    frame = frame.withColumn("accepted", accepted).withColumn("quarantined", n_quarantined)
    rest = F.col("received") - F.col("accepted") - F.col("quarantined")
    frame = frame.withColumn("duplicate", F.when(is_event, rest).otherwise(F.col("duplicate")))
    return frame.select(*[c.name for c in DELIVERED_FILES.columns])
