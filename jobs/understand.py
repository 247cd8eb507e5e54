"""Read every query of the last 28 days into the table `queries`, per locale, language and everywhere, and mine aliases."""

from __future__ import annotations

from datetime import timedelta

import hydra
from omegaconf import DictConfig
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from events.engagement import pleased_plays
from lake.code import code_fingerprint, library_versions
from lake.tables.logs import ENGAGEMENT_EVENTS, SEARCH_LOG, TRACKS
from lake.tables.nightly import ALIAS_PAIRS, QUERIES
from night.aliases import mined_pairs, previous_queries
from night.command import run_command
from night.night import Done, Night, run_alone
from queries.nightly.demand import play_shape, with_tier
from queries.nightly.traffic import asked_queries, readings_everywhere, with_traffic
from queries.nightly.understand import readings, with_cluster_id

WINDOW_DAYS = 28
READING_LIBRARIES = ("python-crfsuite", "rapidfuzz", "jellyfish")  # another version may read a request otherwise


def run(night: Night) -> Done:
    """Write one row per (place, query): its reading, alias cluster, traffic, and whether enough people asked it."""
    lake, first, unit = night.lake, night.run_date - timedelta(days=WINDOW_DAYS), night.settings.run_date
    units = [u for u in lake.commits(SEARCH_LOG) if str(first - timedelta(days=2)) <= u < unit]
    reacted = [u for u in units if u in lake.commits(ENGAGEMENT_EVENTS)]
    before = max((u for u in lake.commits(QUERIES) if u < unit), default=None)
    inputs = night.inputs(
        searches=(SEARCH_LOG, units),
        events=(ENGAGEMENT_EVENTS, reacted),
        tracks=(TRACKS, [night.tracks_unit]),
        previous=(QUERIES, [before] if before else []),
    )
    mark = night.mark(inputs, night.k, code_fingerprint("jobs.understand"), library_versions(*READING_LIBRARIES))
    if not night.pending(QUERIES, {unit: mark}):
        return Done(skipped=True)
    searches = lake.read(SEARCH_LOG, units, allow_unvalidated=True)
    searches = searches.where((F.col("search_date") >= F.lit(first)) & (F.col("search_date") < F.lit(night.run_date)))
    previous = previous_queries(night, before)
    if not reacted:
        night.notes.append(
            f"no reactions in the {WINDOW_DAYS} days before {unit}: no aliases are mined and nothing is known of plays"
        )
    asked = with_tier(asked_queries(searches, first, night.run_date, night.k), previous).persist()
    events = lake.read(ENGAGEMENT_EVENTS, reacted, allow_unvalidated=True) if reacted else None
    plays = pleased_plays(searches, events).persist() if events is not None else None
    tracks = night.tracks(allow_unvalidated=True)

    def read(distinct: DataFrame) -> DataFrame:
        read_queries = readings(distinct, tracks)
        pairs = mined_pairs(night, searches, plays, read_queries, previous)
        lake.write(ALIAS_PAIRS, pairs.withColumn("run_date", F.lit(night.run_date)), {unit: mark})
        return with_cluster_id(read_queries, asked, pairs, previous, unit)

    everywhere = readings_everywhere(asked, read)
    shape = (
        play_shape(plays, night.run_date)
        if plays is not None
        else asked.select(
            "locale", "query", *[F.lit(None).cast("double").alias(c) for c in ("play_entropy", "play_volatility")]
        )
    )
    rows = lake.write(QUERIES, with_traffic(everywhere, asked, shape, night.run_date), {unit: mark})
    n_asked = asked.count()
    for frame in (asked, plays):
        if frame is not None:
            frame.unpersist()
    mined = lake.commits(ALIAS_PAIRS)[unit].rows
    return Done(n_asked, sum(rows.values()), f"a query is public from {night.k} people on; {mined:,} alias pairs mined")


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("understand", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.understand")
