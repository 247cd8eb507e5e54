"""Events that came before their search: they wait in quarantine as `no_search`, and leave it when the search comes."""

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
    """One delivered day after its waiting events were looked at again: the day's events and quarantine, whole."""

    events: DataFrame
    quarantine: DataFrame
    count: int


def joined_late(
    held: DataFrame | None,
    searches: DataFrame | None,
    events: DataFrame | None,
    tracks: DataFrame,
    unit: str,
    days_late: int,
    ubi: UbiSettings,
) -> JoinedLate | None:
    """Take the events of `unit` (a delivered date) whose only fault was that no search was known. None if none waits.

    `held`: quarantine of the unit; `searches`, `events`: accepted rows of the days around it. Grain of the outcome: that of the
    tables. A second run over its own outcome changes nothing: what was taken does not wait any more.
    """
    from pyspark.sql import Window

    if held is None or searches is None:
        return None
    waits = held.where((F.col("source") == "event") & (F.col("reasons") == F.array(F.lit("no_search"))))
    whole = [n for n, t in EVENT_FIELDS.items() if t == "bigint"]
    own_form = waits.withColumn("_p", F.from_json("raw_text", row_schema(EVENT_FIELDS)))
    own_form = own_form.withColumn("_d", F.from_json("raw_text", row_schema(dict.fromkeys(whole, "double"))))
    is_document, is_parquet = F.col("source_file").contains("ndjson"), F.col("source_file").endswith(".parquet")
    document = ubi_parsed(F.col("raw_text"), "events", ubi)
    read = {n: F.when(is_document, document[n].cast(t)).otherwise(F.col(f"_p.{n}")) for n, t in EVENT_FIELDS.items()}
    for n in whole:  # pandas keeps whole numbers with gaps as doubles, and 45000.0 is no whole number of JSON
        read[n] = F.when(is_parquet, F.col(f"_d.{n}").try_cast(EVENT_FIELDS[n])).otherwise(read[n])
    waiting = own_form.select(
        "delivered_date",
        "source_file",
        F.col("line").alias("line_key"),
        F.col("line").alias("seen"),
        *[c.alias(n) for n, c in read.items()],
        F.lit(False).alias(CORRUPT),
        F.array().cast("array<string>").alias("foreign"),
    )
    known = searches.withColumn("is_forgotten", F.lit(False))
    judged = judged_events(waiting, known, tracks, days_late).persist()
    if judged.isEmpty():
        judged.unpersist()
        return None
    good = judged.where(F.size("reasons") == 0)
    places = good.select("source_file", F.col("seen").alias("line"))
    first = Window.partitionBy("event_id").orderBy("ts", "source_file", "seen")
    taken = good.withColumn("_n", F.row_number().over(first)).where((F.col("_n") == 1) & ~F.col("is_forgotten"))
    taken = taken.select(*[c.name for c in ENGAGEMENT_EVENTS.columns])
    own, day = taken, F.lit(date.fromisoformat(unit))
    if events is not None:  # accepted from another folder meanwhile: the copy here is a duplicate
        elsewhere = events.where(F.col("delivered_date") != day).select("event_id")
        taken = taken.join(elsewhere, "event_id", "left_anti")
        # its own rows, should an earlier run have been killed after it wrote them, are not doubled
        held_before = events.where(F.col("delivered_date") == day)
        own = held_before.join(taken.select("event_id"), "event_id", "left_anti").unionByName(taken)
    rest = held.join(places, ["source_file", "line"], "left_anti").select(*[c.name for c in QUARANTINE.columns])
    return JoinedLate(own.select(*[c.name for c in ENGAGEMENT_EVENTS.columns]), rest, good.count())


def recounted(accounts: DataFrame, events: DataFrame | None, held: DataFrame | None) -> DataFrame:
    """The ledger's rows of one delivered day with accepted, duplicate and quarantined as the tables hold them now.

    Only files of events move: what is neither in engagement_events nor in quarantine was a duplicate. Once the day's
    quarantine has expired (`held` is None) nothing can have moved, and what the ledger says stands.
    """
    frame = accounts.select(*[c.name for c in DELIVERED_FILES.columns])
    if held is None:
        return frame
    for name, rows in (("_kept", events), ("_held", held)):
        if rows is None:
            frame = frame.withColumn(name, F.lit(0))
            continue
        counted = rows.groupBy("source_file").agg(F.count("*").alias(name))
        frame = frame.join(F.broadcast(counted), "source_file", "left").withColumn(name, F.coalesce(name, F.lit(0)))
    is_event = F.col("source") == "event"
    accepted = F.when(is_event, F.col("_kept") + F.col("forgotten")).otherwise(F.col("accepted"))
    quarantined = F.when(is_event, F.col("_held")).otherwise(F.col("quarantined"))
    frame = frame.withColumn("accepted", accepted).withColumn("quarantined", quarantined)
    left = F.col("received") - F.col("accepted") - F.col("quarantined")
    frame = frame.withColumn("duplicate", F.when(is_event, left).otherwise(F.col("duplicate")))
    return frame.select(*[c.name for c in DELIVERED_FILES.columns])
