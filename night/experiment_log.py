"""The log of an experiment, from the lake or from delivered folders, with checks that name file and row."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from events.contract import EVENT_FIELDS, SEARCH_FIELDS
from events.engagement import SEARCH, chains, pleased_plays
from events.ingest import ACCEPTED, ClassifiedRows, judged_events, judged_searches, quarantine, with_outcome
from events.privacy import SIMULATED_KEY, key_frame
from events.raw_text import raw_texts
from events.reading import check_gzip, rows
from lake.checkpoint import checkpointed
from lake.errors import InputContractError
from lake.tables.logs import ENGAGEMENT_EVENTS, SEARCH_LOG
from night.counting import without_bots
from night.night import Night
from queries.nightly.understand import normalised

SEARCHES = (
    "search_id",
    "user_id",
    "search_date",
    "client",
    "locale",
    "query",
    "results",
    "release_id",
    "variant",
    "propensity",
    "source_file",
    "line_key",  # of a row of delivered folders; null for one of the lake
)


class ExperimentLogUnfit(InputContractError):
    """The log lacks what the experiment is judged by; the message names a file and a row of it."""


def judged_rows(night: Night) -> DataFrame:
    """One row per search before D: SEARCHES, and what the listener did.

    Adds `satisfied` (positions of tracks heard for 30 s or to the end, saved or liked; sorted, each once) and `heard_s`.

    Raises:
        ExperimentLogUnfit: a row of the delivered folders breaks the input contract and `experiments.skip_broken` is not set.
        MissingPartition: the lake has no searches.
    """
    searches, events = _of_lake(night) if night.settings.experiments.source == "lake" else _of_folders(night)
    good = pleased_plays(searches, events).groupBy(*SEARCH).agg(F.array_sort(F.collect_set("position")).alias("_good"))
    heard = chains(events).groupBy(*SEARCH).agg((F.sum("dwell_ms") / 1000.0).alias("_heard_s"))
    joined = searches.select(*SEARCHES).join(good, [*SEARCH], "left").join(heard, [*SEARCH], "left")
    satisfied = F.coalesce("_good", F.array().cast("array<int>")).alias("satisfied")
    return joined.select(*SEARCHES, satisfied, F.coalesce("_heard_s", F.lit(0.0)).alias("heard_s"))


def _of_lake(night: Night) -> tuple[DataFrame, DataFrame]:
    """Searches and events of the delivered days before D that have passed their gate, without the searches of bots."""
    lake = night.lake
    units = [u for u in lake.passed(SEARCH_LOG) if u < night.settings.run_date]
    searches = without_bots(lake, lake.read(SEARCH_LOG, units))
    events = lake.read(ENGAGEMENT_EVENTS, [u for u in lake.passed(ENGAGEMENT_EVENTS) if u < night.settings.run_date])
    return checkpointed(searches.withColumn("line_key", F.lit(None).cast("bigint"))), events


def _of_folders(night: Night) -> tuple[DataFrame, DataFrame]:
    """Accepted searches and events of the delivered folders before D, read as ingest reads them; nothing is written.

    User ids become pseudonyms of the published key of simulated logs: they only tell people apart here, the same way on every run.
    Bots are not looked for, and every track of a served list is known.
    """
    spark, settings = night.spark, night.settings
    days_late = settings.ingest.days_late
    files = {s: [p for f in night.folders for p in f.files[s]] for s in ("search", "event")}
    check_gzip([*files["search"], *files["event"]])
    with tempfile.TemporaryDirectory() as folder:
        key_file = Path(folder) / "pseudonym.key"
        key_file.write_text(SIMULATED_KEY)
        key = key_frame(spark, key_file)
    parsed = rows(spark, files["search"], SEARCH_FIELDS, "searches", settings.ubi)
    judged = checkpointed(judged_searches(parsed, key, normalised, None))
    sides = [ClassifiedRows(with_outcome(judged, "search", None, days_late), "search", files["search"])]
    known = sides[0].rows.where(F.col("outcome") == ACCEPTED)
    if not files["event"]:
        raise ExperimentLogUnfit(
            f"{night.settings.logs}/events has no file before {settings.run_date}: without reactions nothing can be "
            "judged. Deliver events/date=YYYY-MM-DD/*.jsonl"
        )
    reacted = rows(spark, files["event"], EVENT_FIELDS, "events", settings.ubi)
    tracks = known.select(F.explode("results").alias("track_id")).distinct()
    reacted = checkpointed(judged_events(reacted, known, tracks, days_late))
    sides.append(ClassifiedRows(with_outcome(reacted, "event", None, days_late), "event", files["event"]))
    _refuse_broken(night, sides)
    searches = sides[0].rows.where(F.col("outcome") == ACCEPTED).select(*SEARCHES)
    return checkpointed(searches), checkpointed(sides[1].accepted())


def _refuse_broken(night: Night, sides: list[ClassifiedRows]) -> None:
    """Raise ExperimentLogUnfit for the first broken row of the log, or note their number if they may be left out.

    A reaction without its search is no broken row: the search may lie before the first folder.
    """
    broken = quarantine(night.spark, sides).persist()
    waiting = F.col("reasons") == F.array(F.lit("no_search"))
    lonely, count = broken.where(waiting).count(), broken.where(~waiting).count()
    first = broken.where(~waiting).orderBy("source_file", "line").first()
    broken.unpersist()
    if lonely:
        night.notes.append(f"{lonely:,} reactions are of searches that are not in the folders, and were left out")
    if first is None:
        return
    where = f"{night.settings.logs}/{first['source_file']}, row {first['line']}: {', '.join(first['reasons'])}"
    if not night.settings.experiments.skip_broken:
        raise ExperimentLogUnfit(
            f"{where} ({count:,} such rows; docs/input-contract.md). Mend the log, or leave them out with experiments.skip_broken=true"
        )
    night.notes.append(f"{count:,} rows break the input contract and were left out; the first is {where}")


def refuse_null(night: Night, searches: DataFrame, column: str, meaning: str) -> None:
    """Raise ExperimentLogUnfit for the first of the searches that lacks a column.

    Args:
        night: the night.
        searches: rows of `judged_rows`.
        column: the column.
        meaning: what the serving side must log there.
    """
    refuse(night, searches.where(F.col(column).isNull()), f"no {column}", f"the serving side must log it: {meaning}")


def refuse(night: Night, wrong: DataFrame, problem: str, next_step: str) -> None:
    """Raise ExperimentLogUnfit that names the first of the wrong rows; nothing if there is none.

    Args:
        night: the night.
        wrong: the wrong rows of `judged_rows`.
        problem: what is wrong with them.
        next_step: what to do.
    """
    keys = ("source_file", "line_key", "search_id")
    first = wrong.select(*keys).orderBy("source_file", "search_id").limit(1)
    firsts = first.collect()
    if not firsts:
        return
    row = f"search_id {firsts[0]['search_id']}"
    if firsts[0]["line_key"] is not None:
        files = [p for f in night.folders for p in f.files["search"]]
        texts = raw_texts(
            night.spark, first.select("source_file", "line_key"), files, "searches", [firsts[0]["source_file"]]
        )
        row = f"row {texts.select('line').orderBy('line').limit(1).collect()[0]['line']} ({row})"
    raise ExperimentLogUnfit(
        f"{firsts[0]['source_file']}, {row}: {problem} ({wrong.count():,} such searches). Next: {next_step}; or leave those days out by "
        "experiments.first_day and experiments.days"
    )
